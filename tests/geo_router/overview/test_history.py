"""Rings keep the newest samples, in order, with gaps where nothing was seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from geo_router.overview.history import COARSE, FINE, History, Ring, Span


@given(st.lists(st.floats(0, 1e12), max_size=40), st.integers(1, 12))
def test_a_ring_holds_the_newest_in_order(values: list[float], steps: int) -> None:
    ring = Ring(["a"], Span(1, steps))
    for second, value in enumerate(values):
        ring.add(float(second), {"a": value})
    kept = ring.body()["series"]["a"]
    assert kept == [float(f"{value:.6g}") for value in values[-steps:]]


def test_missed_steps_are_gaps_and_a_long_silence_empties_the_ring() -> None:
    ring = Ring(["a", "b"], Span(1, 6))
    ring.add(10.0, {"a": 1, "b": 5})
    ring.add(13.02, {"a": 2})
    assert ring.body() == {
        "step_seconds": 1,
        "ended_at": 13.02,
        "series": {"a": [1, None, None, 2], "b": [5, None, None, None]},
    }
    ring.add(10_000.0, {"a": 3})
    assert ring.body()["series"]["a"] == [None] * 5 + [3]


def test_the_coarse_ring_holds_means() -> None:
    history = History(["a"], fine=Span(1, 3), coarse=Span(10, 4))
    for second in range(100, 125):
        history.add(float(second), {"a": float(second)})
    body = history.body()
    assert body["fine"]["series"]["a"] == [122, 123, 124]
    assert body["coarse"] == {
        "step_seconds": 10,
        "ended_at": 110,
        "series": {"a": [104.5, 114.5]},
    }


def test_the_spans_are_ten_minutes_and_six_hours() -> None:
    assert FINE.step_seconds * FINE.steps == 600
    assert COARSE.step_seconds * COARSE.steps == 6 * 3600

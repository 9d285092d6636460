"""What a line does to bytes."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from tests.faults.link import FAIR, Weather, paced_seconds

SIZES = st.lists(st.tuples(st.floats(0, 10), st.integers(1, 100_000)), max_size=20)


@given(SIZES, st.floats(1, 1e9))
def test_a_line_never_sends_more_than_its_rate(steps: list[tuple[float, int]], rate: float) -> None:
    now, free_at, sent, began = 0.0, 0.0, 0, 0.0
    for pause, size in steps:
        now += pause
        if now > free_at:
            sent, began = 0, now  # a new busy time: nothing was saved up
        free_at = paced_seconds(free_at, now, size, rate)
        sent += size
        assert math.isclose(free_at - began, sent / rate, rel_tol=1e-6, abs_tol=1e-9)


def test_a_line_without_a_limit_is_free_at_once() -> None:
    assert paced_seconds(0.0, 5.0, 1_000_000, math.inf) == 5.0


def test_weather_for_some_connections_leaves_others_alone() -> None:
    feed = Weather(refusing=True, only=b"GET /v1/changes")
    assert feed.refuses(b"GET /v1/changes?after=0 HTTP/1.1")
    assert not feed.refuses(b"GET /films/a HTTP/1.1")
    assert not feed.refuses(b"")
    assert Weather(refusing=True).refuses(b"")


def test_fair_weather_does_nothing() -> None:
    assert Weather() == FAIR
    assert FAIR.due_seconds(3.0) == 3.0

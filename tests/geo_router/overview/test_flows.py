"""Live routes tell squares and sites, fade, and stay few."""

from __future__ import annotations

import pytest

from geo_router.overview.flows import HALF_LIFE_SECONDS, PAIRS_MAX, TOLD_MAX, Flows


def test_counts_fade_by_half_and_are_forgotten_in_the_end() -> None:
    flows = Flows(0.0)
    flows.count((50, 10), "fra", 300)
    flows.count((50, 10), "")
    (first,) = flows.body()
    flows.advance(HALF_LIFE_SECONDS)
    (later,) = flows.body()
    assert later["per_second"] == pytest.approx(first["per_second"] / 2, abs=1e-3)
    assert {name: later[name] for name in ("latitude", "longitude", "site")} == {
        "latitude": 50,
        "longitude": 10,
        "site": "fra",
    }
    flows.advance(100 * HALF_LIFE_SECONDS)
    assert flows.body() == []


def test_a_steady_stream_is_told_at_its_rate() -> None:
    flows = Flows(0.0)
    for second in range(200):
        flows.advance(float(second))
        flows.count((0, 0), "fra", 7)
    assert flows.body()[0]["per_second"] == pytest.approx(7, rel=0.05)


def test_pairs_are_bounded_and_the_busiest_are_told() -> None:
    flows = Flows(0.0)
    for number in range(PAIRS_MAX + 50):
        flows.count((number, 0), "fra", 1 + number % 3)
    flows.count((0, 0), "fra", 1000)
    told = flows.body()
    assert len(told) == TOLD_MAX
    assert told[0]["latitude"] == 0
    assert not any(each["latitude"] >= PAIRS_MAX for each in told)

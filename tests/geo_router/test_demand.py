"""Counts that fade."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_router.demand import KEYS_MAX, Demand


def test_counts_fade_by_half_in_every_half_life() -> None:
    demand = Demand(0.0, half_life_seconds=10.0)
    for _ in range(80):
        demand.count(0, b"a", "e")
    demand.advance(30.0)
    counts = demand.site(0)
    assert counts.by_key[b"a"] / demand.gain == pytest.approx(10)
    assert counts.by_edge["e"] / demand.gain == counts.total / demand.gain == pytest.approx(10)
    demand.count(0, b"a", "e")
    assert counts.total / demand.gain == pytest.approx(11)
    assert demand.site(1).total == 0


@given(st.lists(st.tuples(st.floats(0, 500), st.sampled_from([b"a", b"b"])), max_size=80))
def test_scaling_down_changes_no_share(steps: list[tuple[float, bytes]]) -> None:
    demand, now, expected = Demand(0.0, 10.0), 0.0, {b"a": 0.0, b"b": 0.0}
    for seconds, key in steps:
        now += seconds
        demand.advance(now)
        expected = {each: count * 0.5 ** (seconds / 10.0) for each, count in expected.items()}
        demand.count(3, key, "e")
        expected[key] += 1
        counts = demand.site(3)
        assert counts.total / demand.gain == pytest.approx(sum(expected.values()), abs=1e-3)
        assert counts.by_key[key] / demand.gain == pytest.approx(expected[key], abs=0.51)


def test_a_steady_rate_reaches_its_limit() -> None:
    demand = Demand(0.0, 30.0)
    for second in range(300):
        demand.advance(float(second))
        for _ in range(7):
            demand.count(0, b"a", "e")
    assert demand.site(0).by_edge["e"] == pytest.approx(demand.limit(7.0), rel=0.02)


def test_memory_is_bounded_and_cold_titles_make_room() -> None:
    demand = Demand(0.0, 10.0)
    for number in range(KEYS_MAX + 10):
        demand.count(0, b"%d" % number, "e")
    assert len(demand.site(0).by_key) == KEYS_MAX
    demand.advance(20.0)
    assert len(demand.site(0).by_key) == 0
    demand.count(0, b"new", "e")
    assert b"new" in demand.site(0).by_key


def test_the_busiest_keys_are_told_over_all_sites_at_their_rates() -> None:
    demand = Demand(0.0, 10.0)
    for second in range(200):
        demand.advance(float(second))
        for site, key in ((0, b"a"), (1, b"a"), (0, b"b")):
            demand.count(site, key, "e")
    (first, rate), (second_key, _) = demand.busiest(2)
    assert (first, second_key) == (b"a", b"b")
    assert rate == pytest.approx(2, rel=0.05)
    assert [key for key, _ in demand.busiest(1)] == [b"a"]

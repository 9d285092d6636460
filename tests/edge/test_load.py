"""What an edge says of its load is the fullest of what it can run out of."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.load import WINDOW_SECONDS, Capacity, LoadMeter
from edge.totals import Totals

GIGABIT = Capacity(1e9, 1000, 2)


def totals(
    *, egress: int = 0, busy: float = 0.0, connections: int = 0, failed: int = 0, hits: int = 0
) -> Totals:
    return Totals(
        Counter({("hit", "", 206): hits, ("error", "health", 502): failed}),
        counts=Counter(egress_bytes=egress, busy_microseconds=int(busy * 1e6)),
        levels=Counter(open_connections=connections, streams=7, in_flight_bytes=9),
    )


@pytest.mark.parametrize(
    ("end", "load"),
    [
        (totals(), 0.0),
        (totals(egress=62_500_000), 0.5),
        (totals(egress=62_500_000, busy=1.8), 0.9),
        (totals(egress=62_500_000, connections=600), 0.6),
        (totals(egress=250_000_000), 2.0),
    ],
)
def test_load_is_the_fullest_of_network_processors_and_connections(
    end: Totals, load: float
) -> None:
    meter = LoadMeter(GIGABIT)
    meter.take(totals(), 100.0)
    meter.take(end, 101.0)
    report = meter.report()
    assert report["load"] == pytest.approx(load)
    assert (report["streams"], report["in_flight_bytes"]) == (7, 9)


def test_without_a_known_capacity_the_network_is_told_and_not_weighed() -> None:
    meter = LoadMeter(Capacity(0.0, 1000, 1))
    meter.take(totals(), 0.0)
    meter.take(totals(egress=10**9), 1.0)
    assert meter.report()["load"] == 0.0
    assert meter.report()["egress_bits_per_second"] == 8 * 10**9


def test_a_burst_is_over_after_the_window() -> None:
    meter = LoadMeter(GIGABIT)
    meter.take(totals(), 0.0)
    burst = totals(egress=10**9)
    for second in range(1, int(WINDOW_SECONDS) + 1):
        meter.take(burst, float(second))
        assert meter.report()["load"] > 1
    meter.take(burst, WINDOW_SECONDS + 1)
    assert meter.report()["load"] == 0.0


def test_a_share_of_failures_is_told_only_of_enough_answers() -> None:
    meter = LoadMeter(GIGABIT)
    meter.take(totals(), 0.0)
    meter.take(totals(failed=5, hits=5), 1.0)
    assert meter.report()["failing"] is None
    meter.take(totals(failed=15, hits=45), 2.0)
    assert (meter.report()["failing"], meter.report()["hits"]) == (0.25, 0.75)


def test_before_the_first_totals_nothing_is_said() -> None:
    assert LoadMeter(GIGABIT).report() == {}


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=30))
def test_load_is_never_negative_and_never_above_the_fastest_second(sent: list[int]) -> None:
    meter = LoadMeter(GIGABIT)
    total = 0
    for second, size_bytes in enumerate(sent):
        total += size_bytes if second else 0
        meter.take(totals(egress=total), float(second))
    assert 0 <= meter.report()["load"] <= max(sent) * 8 / 1e9 + 0.001


def test_bytes_are_told_by_outcome_and_reason_since_the_start() -> None:
    meter = LoadMeter(GIGABIT)
    assert meter.report() == {}
    sent = Counter({("hit", ""): 70, ("miss", "cold"): 30})
    counted = Totals(sent_bytes=sent, counts=Counter(fill_bytes=40, origin_bytes=10))
    meter.take(counted, 0.0, 1_700_000_000.1234)
    report = meter.report()
    assert report["counting_since"] == 1_700_000_000.123
    assert report["sent_bytes"] == {"hit": 70, "miss:cold": 30}
    assert (report["fill_bytes"], report["origin_bytes"]) == (40, 10)

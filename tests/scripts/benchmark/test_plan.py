"""The three sizes differ in how much, never in what."""

from __future__ import annotations

from scripts.benchmark.measures import MEASURES
from scripts.benchmark.plan import QUICK, SMOKE, Plan


def test_every_size_takes_every_measure() -> None:
    assert all(plan.measures == tuple(MEASURES.values()) for plan in (Plan(), QUICK, SMOKE))


def test_quick_is_less_than_full_and_smoke_needs_nobody_else() -> None:
    assert QUICK.rounds * QUICK.seconds < Plan().rounds * Plan().seconds
    assert SMOKE.neutral == "cinedge"
    assert SMOKE.peers == ()


def test_ranges_and_cold_reads_fit_their_files() -> None:
    for plan in (Plan(), QUICK, SMOKE):
        film = plan.scale.film_mib << 20
        assert all(each.range_bytes <= film for each in plan.measures)
        assert plan.scale.cold_read_mib <= plan.scale.long_mib
        assert plan.scale.long_mib // 2 + 2 <= plan.scale.long_mib

"""Cold measures see what the edge pulls, and the figures of their kind."""

from __future__ import annotations

from scripts.benchmark.plan import SMOKE
from tests.scripts.benchmark.conftest import SmokeRun


def test_a_crowd_costs_the_origin_one_object(smoke: SmokeRun) -> None:
    run = smoke.run("C2")
    assert run["origin_mib"] >= SMOKE.scale.flash_mib
    assert run["origin_mib"] < 2 * SMOKE.scale.flash_mib
    assert run["first_byte_p50_ms"] <= run["all_done_ms"]


def test_the_first_byte_of_a_cold_seek_comes_after_a_round_trip(smoke: SmokeRun) -> None:
    run = smoke.run("C1")
    assert run["first_byte_ms"] >= SMOKE.far_seconds * 1000
    assert run["origin_requests"] >= 1


def test_a_cold_stream_is_pulled_whole(smoke: SmokeRun) -> None:
    assert smoke.run("C3")["origin_mib"] >= SMOKE.scale.cold_read_mib


def test_hits_go_on_beside_fills(smoke: SmokeRun) -> None:
    run = smoke.run("M1")
    assert run["per_second"] > 0
    assert run["fill_seconds"] > 0


def test_misses_of_both_sizes_are_counted_by_request(smoke: SmokeRun) -> None:
    assert all(smoke.run(name)["per_second"] > 0 for name in ("E1", "E2"))

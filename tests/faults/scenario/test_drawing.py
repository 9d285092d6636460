"""Scenarios drawn from seeds: repeatable, sensible, and all kinds among them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.faults.scenario.drawing import draw_scenario
from tests.faults.scenario.plan import Kind


@given(st.integers(), st.floats(1, 60))
def test_the_same_seed_draws_the_same_scenario(seed: int, seconds: float) -> None:
    assert draw_scenario(seed, seconds) == draw_scenario(seed, seconds)


@given(st.integers(), st.floats(1, 60))
def test_every_fault_begins_and_ends_in_time_to_be_seen(seed: int, seconds: float) -> None:
    for fault in draw_scenario(seed, seconds).faults:
        assert 0 <= fault.at_seconds <= 0.7 * seconds + 0.01
        assert 0 < fault.for_seconds <= 0.4 * seconds + 0.01


def test_every_kind_of_fault_and_every_shape_is_drawn() -> None:
    drawn = [draw_scenario(seed) for seed in range(300)]
    assert {fault.kind for each in drawn for fault in each.faults} == set(Kind)
    for name in ("peers", "service", "tokens", "copies", "workers", "max_age_seconds"):
        assert len({getattr(each.shape, name) for each in drawn}) > 1


def test_without_small_disks_none_fills_up() -> None:
    drawn = [draw_scenario(seed, small_disks=False) for seed in range(100)]
    assert not [each for scenario in drawn for each in scenario.faults if each.kind == "disk-full"]

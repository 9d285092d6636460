"""Scenarios drawn from seeds: repeatable, sensible, and all kinds among them."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from tests.faults.scenario.drawing import SECOND_FROM, draw_scenario
from tests.faults.scenario.plan import Kind, format_scenario, parse_scenario

SECOND = ("tls", "dns", "origins")


@given(st.integers(), st.floats(1, 60))
def test_the_same_seed_draws_the_same_scenario(seed: int, seconds: float) -> None:
    assert draw_scenario(seed, seconds) == draw_scenario(seed, seconds)


@given(st.integers(), st.floats(1, 60))
def test_every_fault_begins_and_ends_in_time_to_be_seen(seed: int, seconds: float) -> None:
    for fault in draw_scenario(seed, seconds).faults:
        assert 0 <= fault.at_seconds <= 0.7 * seconds + 0.01
        assert 0 < fault.for_seconds <= 0.4 * seconds + 0.01


def test_every_kind_of_fault_and_every_shape_is_drawn() -> None:
    drawn = [draw_scenario(seed) for seed in (*range(300), *range(SECOND_FROM, 1300))]
    assert {fault.kind for each in drawn for fault in each.faults} == set(Kind)
    for name in ("peers", "service", "tokens", "copies", "workers", "max_age_seconds", *SECOND):
        assert len({getattr(each.shape, name) for each in drawn}) > 1


def test_without_small_disks_none_fills_up() -> None:
    drawn = [draw_scenario(seed, small_disks=False) for seed in range(100)]
    assert not [each for scenario in drawn for each in scenario.faults if each.kind == "disk-full"]


def test_seeds_from_before_the_second_generator_draw_what_they_always_drew() -> None:
    drawn = [draw_scenario(seed, 4.0) for seed in range(1, SECOND_FROM)]
    digest = hashlib.sha256("".join(map(format_scenario, drawn)).encode()).hexdigest()
    assert digest == "09c97e5c4cbf14af0da3d221771b1395994d1ebb67d33475c9da5d0917d0f3a8"


def test_what_breaks_is_there() -> None:
    for seed in range(SECOND_FROM, SECOND_FROM + 400):
        scenario = draw_scenario(seed)
        assert parse_scenario(format_scenario(scenario)) == scenario


def test_without_two_origins_there_is_one() -> None:
    drawn = [draw_scenario(seed, two_origins=False) for seed in range(SECOND_FROM, 1100)]
    assert {each.shape.origins for each in drawn} == {1}

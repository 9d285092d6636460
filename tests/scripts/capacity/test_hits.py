"""Claims about what caches answer."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.capacity.demand import Catalogue
from scripts.capacity.hits import Measured, held_shares, hit_ratio, missed
from scripts.capacity.popularity import Class, classes_of

POLICIES = ("titlelfu", "lru", "fifo")
_C = Catalogue()
_NETFLIX = classes_of(_C.popularity, _C.titles, _C.title_bytes, _C.reach)
_BYTES = _C.titles * _C.title_bytes

# Byte hit ratios of simulated movie sessions over 14 days, 20,000 titles, by share cached: what
# knows tomorrow's demand stands for titlelfu.
_SIMULATED = {
    "lru": {0.01: 0.165, 0.05: 0.457, 0.1: 0.635, 0.2: 0.823, 0.5: 0.971},
    "fifo": {0.01: 0.147, 0.05: 0.407, 0.1: 0.574, 0.2: 0.760},
    "titlelfu": {0.01: 0.328, 0.05: 0.610, 0.1: 0.759, 0.2: 0.891, 0.5: 0.985},
}

classes = st.lists(
    st.builds(Class, st.floats(1e-6, 1e6), st.floats(1, 1e12)), min_size=1, max_size=20
)


def ratio(share: float, policy: str) -> float:
    return hit_ratio(_NETFLIX, held_shares(_NETFLIX, share * _BYTES, policy))


@pytest.mark.parametrize(
    ("policy", "share"), [(policy, share) for policy in POLICIES for share in _SIMULATED[policy]]
)
def test_the_approximation_is_within_four_points_of_simulated_sessions(
    policy: str, share: float
) -> None:
    assert ratio(share, policy) == pytest.approx(_SIMULATED[policy][share], abs=0.04)


def test_for_two_things_wanted_alike_and_room_for_one_every_policy_answers_half() -> None:
    alike = (Class(1.0, 10.0), Class(1.0, 10.0))
    for policy in POLICIES:
        shares = held_shares(alike, 10.0, policy)
        assert hit_ratio(alike, shares) == pytest.approx(0.5), policy


@given(classes, st.floats(0, 1), st.sampled_from(POLICIES))
def test_what_is_held_fits_and_fills_the_cache(
    classes: list[Class], share: float, policy: str
) -> None:
    total = sum(each.size_bytes for each in classes)
    shares = held_shares(classes, share * total, policy)
    held = sum(each.size_bytes * part for each, part in zip(classes, shares, strict=True))
    assert all(0 <= part <= 1 for part in shares)
    assert held == pytest.approx(share * total, rel=1e-6, abs=1e-6 * total)


@given(classes, st.floats(0, 1), st.floats(0, 1), st.sampled_from(POLICIES))
def test_a_larger_cache_never_answers_less(
    classes: list[Class], one: float, other: float, policy: str
) -> None:
    total = sum(each.size_bytes for each in classes)
    small, large = (
        hit_ratio(classes, held_shares(classes, share * total, policy))
        for share in sorted((one, other))
    )
    assert small <= large + 1e-9


@given(classes, st.floats(0, 1))
def test_nothing_beats_holding_what_is_wanted_most_and_fifo_never_beats_lru(
    classes: list[Class], share: float
) -> None:
    total = sum(each.size_bytes for each in classes)
    best, lru, fifo = (
        hit_ratio(classes, held_shares(classes, share * total, policy)) for policy in POLICIES
    )
    assert fifo <= lru + 1e-6
    assert lru <= best + 1e-6


@given(classes, st.floats(0, 1), st.sampled_from(POLICIES))
def test_what_is_answered_and_what_is_missed_is_all_that_was_asked(
    classes: list[Class], share: float, policy: str
) -> None:
    total = sum(each.size_bytes for each in classes)
    shares = held_shares(classes, share * total, policy)
    wanted = math.fsum(each.rate * each.size_bytes for each in classes)
    rest = math.fsum(each.rate * each.size_bytes for each in missed(classes, shares))
    assert hit_ratio(classes, shares) * wanted + rest == pytest.approx(wanted)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_cache_as_large_as_the_catalogue_misses_nothing(policy: str) -> None:
    assert ratio(1.0, policy) == 1.0


@pytest.mark.parametrize("policy", POLICIES)
def test_what_nobody_asks_for_is_held_last(policy: str) -> None:
    shares = held_shares((Class(0.0, 10.0), Class(1.0, 10.0)), 10.0, policy)
    assert shares == pytest.approx([0.0, 1.0], abs=1e-6)


def test_a_measured_curve_goes_through_its_points_and_ends_level() -> None:
    curve = Measured(((0.01, 0.2), (0.1, 0.6)))
    assert [curve.ratio(share) for share in (0, 0.005, 0.01, 0.1, 0.5)] == pytest.approx(
        [0.0, 0.1, 0.2, 0.6, 0.6]
    )
    assert curve.ratio(math.sqrt(0.001)) == pytest.approx(0.4)

from __future__ import annotations

from itertools import pairwise
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.policy.survival import Survival


def learn(survival: Survival, blocks: int, stops: list[int], times: int) -> None:
    for _ in range(times):
        for stop in stops:
            for block in range(stop):
                survival.learn(block, blocks)


def test_what_nobody_has_watched_is_taken_to_be_watched_to_its_end() -> None:
    survival = Survival()
    assert survival.worth(0, 100) == survival.worth(99, 100) == pytest.approx(-log2(100))


@pytest.mark.parametrize("blocks", [16, 64, 100, 2_500])
def test_a_title_of_which_half_the_viewers_leave_is_worth_half_at_its_end(blocks: int) -> None:
    survival = Survival()
    learn(survival, blocks, [blocks // 4, blocks], max(4_000 // blocks, 25))
    begin, end = survival.worth(0, blocks), survival.worth(blocks - 1, blocks)
    assert begin - end == pytest.approx(1, abs=0.12)


@pytest.mark.parametrize("blocks", [1, 7])
def test_a_short_object_has_no_shape(blocks: int) -> None:
    survival = Survival()
    learn(survival, 100, [10], 1_000)
    learn(survival, blocks, [1], 5_000)
    assert survival.worth(0, blocks) == survival.worth(blocks - 1, blocks) == -log2(blocks)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 200)), min_size=1, max_size=20))
def test_the_curve_never_rises_and_its_mean_is_one(asked: list[tuple[int, int]]) -> None:
    survival = Survival()
    for block, times in asked:
        for _ in range(times):
            survival.learn(block, 100)
    learn(survival, 100, [100], 20)
    worths = [survival.worth(block, 64) for block in range(64)]
    assert all(before >= after for before, after in pairwise(worths))
    assert sum(2**worth for worth in worths) == pytest.approx(1)


def test_a_curve_goes_on_in_another_life() -> None:
    before, after = Survival(), Survival()
    learn(before, 100, [25, 100], 50)
    after.relearn(*before.learned())
    learn(before, 100, [100], 30)
    learn(after, 100, [100], 30)
    for block in (0, 30, 99):
        assert after.worth(block, 100) == pytest.approx(before.worth(block, 100), abs=0.05)

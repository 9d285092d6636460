from __future__ import annotations

from collections.abc import Iterable

import pytest
from cachetools import LRUCache
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.index import BlockIndex, Evictions
from edge.cache.policy.slots import Unit

CAPACITY = 10
A, B, C, D = (1, 0), (1, 7), (2, 0), (3, 1)


def test_the_least_used_leaves_first() -> None:
    index = BlockIndex(3)
    for unit in (A, B, C):
        assert index.admit(unit, 1, 0) == []
    index.hit(A, 0)
    assert index.admit(D, 2, 0) == [B, C]
    assert (A in index, B in index, D in index) == (True, False, True)
    assert (len(index), index.held_bytes) == (2, 3)


def test_what_can_never_fit_changes_nothing() -> None:
    index = BlockIndex(3)
    index.admit(A, 3, 0)
    assert index.admit(B, 4, 0) is None
    assert (list(filter(index.__contains__, (A, B))), index.held_bytes) == ([A], 3)


def test_units_that_are_not_held_are_passed_over() -> None:
    index = BlockIndex(3)
    index.admit(A, 1, 0)
    for unit in (B, C, (1, 1 << 23)):
        assert not index.hit(unit, 0)
        index.remove(unit)
        assert unit not in index
    assert (len(index), index.held_bytes) == (1, 1)


def test_the_largest_number_block_and_size_are_given_back_as_they_were() -> None:
    index = BlockIndex(1 << 62)
    unit = ((1 << 40) - 1, (1 << 24) - 1)
    assert index.admit(unit, 1 << 61, 0) == []
    assert index.held_bytes == 1 << 61
    assert (index.pop(0), index.pop(0)) == (unit, None)


@pytest.mark.parametrize("unit", [(1 << 40, 0), (-1, 0), (0, 1 << 24), (0, -1)])
def test_a_unit_out_of_range_is_refused_and_changes_nothing(unit: Unit) -> None:
    index = BlockIndex(3)
    index.admit(A, 1, 0)
    with pytest.raises(ValueError, match="out of range"):
        index.admit(unit, 1, 0)
    assert (len(index), index.held_bytes, index.pop(0)) == (1, 1, A)


def test_what_went_leaves_its_place_to_others() -> None:
    index = BlockIndex(4)
    for number in range(1_000):
        index.admit((number, number % 5), 1, 0)
    assert len(index) == 4
    assert index.footprint_bytes < 1_000


class Reference:
    """The same by cachetools, whose victims are taken out by hand."""

    def __init__(self) -> None:
        self.units: LRUCache[Unit, int] = LRUCache(CAPACITY, getsizeof=lambda size: size)

    def admit(self, unit: Unit, size: int) -> list[Unit] | None:
        if size > CAPACITY:
            return None
        self.units.pop(unit, None)
        victims = []
        while self.units.currsize + size > CAPACITY:
            victims.append(self.units.popitem()[0])
        self.units[unit] = size
        return victims

    def admit_all(self, number: int, blocks: Iterable[int], size: int) -> bool:
        units = [(number, block) for block in blocks]
        if self.units.currsize + size * len(units) > CAPACITY:
            return False
        for unit in units:
            self.units[unit] = size
        return True


NUMBERS, BLOCKS = range(3), range(4)
units = st.tuples(st.sampled_from(NUMBERS), st.sampled_from(BLOCKS))
sets_of_blocks = st.lists(st.sampled_from(BLOCKS), unique=True)
steps = st.lists(
    st.tuples(st.just("admit"), units, st.integers(0, CAPACITY + 1), st.just([]))
    | st.tuples(st.just("admit_all"), units, st.integers(0, 3), sets_of_blocks)
    | st.tuples(st.sampled_from(["touch", "remove", "pop"]), units, st.just(0), st.just([])),
    max_size=60,
)


@given(steps)
def test_it_behaves_as_cachetools_does(
    steps: list[tuple[str, Unit, int, list[int]]],
) -> None:
    index, model = BlockIndex(CAPACITY), Reference()
    for what, unit, size, blocks in steps:
        match what:
            case "admit":
                assert index.admit(unit, size, 0) == model.admit(unit, size)
            case "admit_all":
                if any(number == unit[0] for number, _ in model.units):
                    continue
                assert index.admit_all(unit[0], blocks, size, 0) == model.admit_all(
                    unit[0], blocks, size
                )
            case "touch":
                index.hit(unit, 0)
                model.units.get(unit)
            case "pop":
                assert index.pop(0) == (model.units.popitem()[0] if model.units else None)
            case _:
                index.remove(unit)
                model.units.pop(unit, None)
        assert index.held_bytes == model.units.currsize
        assert len(index) == len(model.units)
        assert all(
            ((number, block) in index) == ((number, block) in model.units)
            for number in NUMBERS
            for block in BLOCKS
        )
    assert [index.pop(0) for _ in range(len(model.units))] == [
        model.units.popitem()[0] for _ in range(len(model.units))
    ]
    assert index.pop(0) is None
    assert index.held_bytes == 0


def test_blocks_at_once_are_for_an_entry_that_has_none() -> None:
    index = BlockIndex(CAPACITY)
    index.admit((1, 5), 1, 0)
    with pytest.raises(ValueError, match="blocks already"):
        index.admit_all(1, [0], 1, 0)
    assert index.admit_all(1, [], 1, 0)
    assert (len(index), (1, 0) in index) == (1, False)


def test_a_pinned_unit_stays_and_takes_room() -> None:
    index = BlockIndex(3)
    for unit in (A, B, C):
        index.admit(unit, 1, 0)
    assert index.pin(A)
    assert not index.pin(D)
    assert index.pinned_bytes == 1
    assert index.admit(D, 2, 0) == [B, C]
    assert index.admit(B, 3, 0) is None
    assert (A in index, D in index) == (True, True)
    index.unpin(A, 0)
    assert index.admit(B, 3, 0) == [D, A]
    assert index.pinned_bytes == 0


def test_pins_may_take_the_share_that_is_set() -> None:
    assert BlockIndex(9).pinned_bytes_max == 4
    assert BlockIndex(10, pinned_share=0.9).pinned_bytes_max == 9


def test_a_pinned_unit_can_be_removed() -> None:
    index = BlockIndex(3)
    index.admit(A, 1, 0)
    index.pin(A)
    index.remove(A)
    assert (A in index, index.pinned_bytes, index.held_bytes) == (False, 0, 0)
    assert index.pop(0) is None


def test_evictions_are_counted_under_the_rule_with_the_time_since_the_last_use() -> None:
    index = BlockIndex(3)
    index.admit(A, 2, 10)
    index.admit(B, 1, 20)
    index.hit(A, 50.9)
    index.admit(C, 2, 90)
    index.pop(100)
    assert index.evictions == {"lru": Evictions(blocks=3, size_bytes=5, idle_seconds=70 + 40 + 10)}

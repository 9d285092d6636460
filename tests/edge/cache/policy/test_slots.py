from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.policy.slots import NONE, Slots, Unit


def in_order(slots: Slots, ring: int) -> list[Unit]:
    found, slot = [], slots.oldest(ring)
    while slot not in (NONE, ring):
        found.append(slots.unit_at(slot))
        slot = slots.newer[slot]
    return found


def test_an_empty_ring_has_no_oldest() -> None:
    slots = Slots()
    first, second = slots.add_ring(), slots.add_ring()
    assert (slots.oldest(first), slots.oldest(second), slots.length) == (NONE, NONE, 0)


def test_rings_keep_the_order_of_linking() -> None:
    slots = Slots()
    one, other = slots.add_ring(), slots.add_ring()
    for block, ring in enumerate([one, other, one, one]):
        slots.link(slots.take((7, block), 5, 0), ring)
    moved = slots.find((7, 0))
    slots.unlink(moved)
    slots.link(moved, other)
    assert in_order(slots, one) == [(7, 2), (7, 3)]
    assert in_order(slots, other) == [(7, 1), (7, 0)]
    assert (slots.length, slots.held_bytes) == (4, 20)


def test_blocks_of_an_entry_can_be_looked_through() -> None:
    slots = Slots()
    slots.take((7, 2), 5, 0)
    assert [bool(slot) for slot in slots.blocks_of(7)[1:]] == [False, False, True]
    assert not slots.blocks_of(8)


def test_the_time_since_a_use_survives_the_end_of_32_bits() -> None:
    slots = Slots()
    slot = slots.take((7, 2), 5, (1 << 32) - 10)
    assert slots.idle_seconds(slot, (1 << 32) + 20) == 30


def test_what_is_taken_at_once_lies_behind_what_was_there() -> None:
    slots = Slots()
    ring = slots.add_ring()
    slots.link(slots.take((1, 0), 5, 0), ring)
    slots.take_all(2, [3, 1], 4, 0, ring)
    assert in_order(slots, ring) == [(1, 0), (2, 3), (2, 1)]
    assert (slots.held_bytes, slots.length) == (13, 3)
    with pytest.raises(ValueError, match="blocks already"):
        slots.take_all(2, [5], 4, 0, ring)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=80))
def test_units_come_and_go_and_slots_are_used_again(units: list[Unit]) -> None:
    slots, model = Slots(), set[Unit]()
    for unit in units:
        slot = slots.find(unit)
        assert (slot != NONE) == (unit in model)
        if unit in model:
            assert slots.drop(slot) == unit
            model.remove(unit)
        else:
            slots.take(unit, 2, 0)
            model.add(unit)
        assert (slots.length, slots.held_bytes) == (len(model), 2 * len(model))
    assert len(slots.units) <= 1 + len({*units})

"""Which block leaves when room is needed: least recently used, by bytes.

Accounting only; the owner of the files is told the victims and removes them. A cache of 20 TB has
millions of blocks, so a block is no object here but a slot in flat arrays (docs/decisions/0013).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Final

Unit = tuple[int, int]
"""The number of an entry and a block of it."""

_BLOCK_BITS: Final = 24
_BLOCK_MASK: Final = (1 << _BLOCK_BITS) - 1
_NUMBER_STOP: Final = 1 << 64 - _BLOCK_BITS
_END: Final = 0
"""The slot that closes the ring: the one after it is used least, the one before it last."""


class BlockIndex:
    """Blocks with sizes in bytes, at most `capacity_bytes` of them.

    Numbers are below 2**40, blocks below 2**24. A slot is 24 bytes over four arrays, and another
    4 for each block up to the highest of its entry.
    """

    __slots__ = (
        "_free",
        "_length",
        "_newer",
        "_older",
        "_sizes",
        "_slots",
        "_units",
        "capacity_bytes",
        "held_bytes",
    )

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self.held_bytes = 0
        self._length = 0
        # Arrays grow by a sixteenth and in place, so that there is never a second copy of them.
        self._older = array("I", [_END])
        self._newer = array("I", [_END])
        self._units = array("Q", [0])
        self._sizes = array("Q", [0])
        # Slots without a unit, a chain by `_newer`.
        self._free = _END
        # By number: how many blocks are held, then the slot of each block.
        self._slots: dict[int, array[int]] = {}

    def __contains__(self, unit: Unit) -> bool:
        return self._slot_of(unit) != _END

    def __len__(self) -> int:
        return self._length

    @property
    def footprint_bytes(self) -> int:
        """Bytes of this process that it takes, but for what a dict of entries costs."""
        arrays = [self._older, self._newer, self._units, self._sizes, *self._slots.values()]
        return sum(array.itemsize * len(array) for array in arrays)

    def touch(self, unit: Unit) -> None:
        """The unit was used just now; unknown units are passed over."""
        slot = self._slot_of(unit)
        if slot != _END:
            self._unlink(slot)
            self._link_last(slot)

    def admit(self, unit: Unit, size_bytes: int) -> list[Unit] | None:
        """Take a unit in and return those that have to go; None when it cannot ever fit."""
        if size_bytes > self.capacity_bytes:
            return None
        slots, place = self._place(unit)
        self.remove(unit)
        victims: list[Unit] = []
        while self.held_bytes + size_bytes > self.capacity_bytes:
            victims.append(self._drop(self._newer[_END]))
        number, block = unit
        slots = self._slots.setdefault(number, slots)
        slot = self._take_slot(number << _BLOCK_BITS | block, size_bytes)
        slots[place] = slot
        slots[0] += 1
        self._link_last(slot)
        self.held_bytes += size_bytes
        self._length += 1
        return victims

    def admit_all(self, number: int, blocks: Sequence[int], size_bytes: int) -> bool:
        """Take in blocks of one size of an entry that has none yet, in the order of use.

        False, and nothing done, when there is no room for all of them. Blocks differ.
        """
        count = len(blocks)
        if not count or self.held_bytes + count * size_bytes > self.capacity_bytes:
            return not count
        if number in self._slots:
            raise ValueError("the entry has blocks already")
        slots, _ = self._place((number, max(blocks)))
        base = number << _BLOCK_BITS
        first = len(self._units)
        self._units.extend([base | block for block in blocks])
        self._sizes.extend(array("Q", [size_bytes]) * count)
        last_used = self._older[_END]
        self._older.append(last_used)
        self._older.extend(range(first, first + count - 1))
        self._newer.extend(range(first + 1, first + count))
        self._newer.append(_END)
        self._newer[last_used] = first
        self._older[_END] = first + count - 1
        for slot, block in enumerate(blocks, first):
            slots[block + 1] = slot
        slots[0] = count
        self._slots[number] = slots
        self.held_bytes += count * size_bytes
        self._length += count
        return True

    def pop(self) -> Unit | None:
        """Take out the unit that has to go first, if there is any."""
        return self._drop(self._newer[_END]) if self._length else None

    def remove(self, unit: Unit) -> None:
        """The unit is gone; unknown units are passed over."""
        slot = self._slot_of(unit)
        if slot != _END:
            self._drop(slot)

    def _slot_of(self, unit: Unit) -> int:
        number, block = unit
        slots = self._slots.get(number)
        return _END if slots is None or block + 1 >= len(slots) else slots[block + 1]

    def _place(self, unit: Unit) -> tuple[array[int], int]:
        """Where the unit's slot is to be written down, with room made for it."""
        number, block = unit
        if not (0 <= number < _NUMBER_STOP and 0 <= block <= _BLOCK_MASK):
            raise ValueError("a number or block out of range")
        slots = self._slots.get(number)
        if slots is None:
            slots = array("I", [0])
        missing = block + 2 - len(slots)
        if missing > 0:
            slots.extend(array("I", [_END]) * missing)
        return slots, block + 1

    def _take_slot(self, key: int, size_bytes: int) -> int:
        slot = self._free
        if slot == _END:
            slot = len(self._units)
            self._units.append(key)
            self._sizes.append(size_bytes)
            self._older.append(_END)
            self._newer.append(_END)
        else:
            self._free = self._newer[slot]
            self._units[slot] = key
            self._sizes[slot] = size_bytes
        return slot

    def _link_last(self, slot: int) -> None:
        newer, older = self._newer, self._older
        last = older[_END]
        newer[last] = slot
        older[slot] = last
        newer[slot] = _END
        older[_END] = slot

    def _unlink(self, slot: int) -> None:
        before, after = self._older[slot], self._newer[slot]
        self._newer[before] = after
        self._older[after] = before

    def _drop(self, slot: int) -> Unit:
        self._unlink(slot)
        self._newer[slot] = self._free
        self._free = slot
        self.held_bytes -= self._sizes[slot]
        self._length -= 1
        key = self._units[slot]
        number, block = key >> _BLOCK_BITS, key & _BLOCK_MASK
        slots = self._slots[number]
        slots[block + 1] = _END
        slots[0] -= 1
        if not slots[0]:
            del self._slots[number]
        return number, block

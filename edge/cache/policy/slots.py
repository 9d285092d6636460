"""Units in flat arrays, and rings through them in which rules keep their order.

A cache of 20 TB has millions of blocks, so a unit is no object here but a slot
(docs/decisions/0013). What a slot's place in a ring means is the business of the rule that
put it there.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Final

Unit = tuple[int, int]
"""The number of an entry and a block of it."""

BLOCK_BITS: Final = 24
BLOCK_MASK: Final = (1 << BLOCK_BITS) - 1
NUMBER_STOP: Final = 1 << 64 - BLOCK_BITS
NONE: Final = 0
"""No slot."""
PINNED: Final = 0x80
"""The mark of a unit that stays; it is in no ring."""
_SECONDS_MASK: Final = (1 << 32) - 1


class Slots:
    """Units with sizes in bytes. A slot is 29 bytes, and 4 for each block up to its entry's last.

    Rings have to be made before the first unit comes. `marks` is a byte for each slot: its highest
    bit says PINNED, all others belong to the rule. `used_at` is in whole seconds, modulo 2**32.
    """

    __slots__ = (
        "_free",
        "_places",
        "held_bytes",
        "length",
        "marks",
        "newer",
        "older",
        "sizes",
        "units",
        "used_at",
    )

    def __init__(self) -> None:
        self.held_bytes = 0
        self.length = 0
        # Arrays grow by a sixteenth and in place, so that there is never a second copy of them.
        self.older = array("I", [NONE])
        self.newer = array("I", [NONE])
        self.units = array("Q", [0])
        self.sizes = array("Q", [0])
        self.used_at = array("I", [0])
        self.marks = bytearray(1)
        # Slots without a unit, a chain by `newer`.
        self._free = NONE
        # By number: how many blocks are held, then the slot of each block.
        self._places: dict[int, array[int]] = {}

    @property
    def footprint_bytes(self) -> int:
        """Bytes of this process that it takes, but for what a dict of entries costs."""
        arrays = [self.older, self.newer, self.units, self.sizes, self.used_at]
        arrays.extend(self._places.values())
        return len(self.marks) + sum(array.itemsize * len(array) for array in arrays)

    def add_ring(self) -> int:
        """A new ring, empty: a slot without a unit that closes it."""
        ring = self._append(0, 0, 0)
        self.older[ring] = self.newer[ring] = ring
        return ring

    def find(self, unit: Unit) -> int:
        """The slot of a unit, or NONE."""
        number, block = unit
        places = self._places.get(number)
        return NONE if places is None or block + 1 >= len(places) else places[block + 1]

    def unit_at(self, slot: int) -> Unit:
        """The unit of a slot."""
        key = self.units[slot]
        return key >> BLOCK_BITS, key & BLOCK_MASK

    def blocks_of(self, number: int) -> array[int]:
        """Slots of an entry's blocks, after one that is no block's; empty when none is held."""
        return self._places.get(number) or array("I")

    def take(self, unit: Unit, size_bytes: int, now: float) -> int:
        """A slot for a unit that has none, in no ring. Raises ValueError for one out of range."""
        places, place = self._place(unit)
        number, block = unit
        self._places.setdefault(number, places)
        key, seconds = number << BLOCK_BITS | block, int(now) & _SECONDS_MASK
        slot = self._free
        if slot == NONE:
            slot = self._append(key, size_bytes, seconds)
        else:
            self._free = self.newer[slot]
            self.units[slot] = key
            self.sizes[slot] = size_bytes
            self.used_at[slot] = seconds
        places[place] = slot
        places[0] += 1
        self.held_bytes += size_bytes
        self.length += 1
        return slot

    def take_all(
        self, number: int, blocks: Sequence[int], size_bytes: int, now: float, ring: int
    ) -> None:
        """Blocks of one size of an entry that has none, in the order of use; at a ring's end.

        Blocks differ. `ring` NONE puts them into no ring.
        """
        if number in self._places:
            raise ValueError("the entry has blocks already")
        places, _ = self._place((number, max(blocks)))
        count, first = len(blocks), len(self.units)
        base = number << BLOCK_BITS
        self.units.extend([base | block for block in blocks])
        self.sizes.extend(array("Q", [size_bytes]) * count)
        self.used_at.extend(array("I", [int(now) & _SECONDS_MASK]) * count)
        self.marks.extend(bytes(count))
        last = self.older[ring]
        self.older.append(last)
        self.older.extend(range(first, first + count - 1))
        self.newer.extend(range(first + 1, first + count))
        self.newer.append(ring)
        if ring != NONE:
            self.newer[last] = first
            self.older[ring] = first + count - 1
        for slot, block in enumerate(blocks, first):
            places[block + 1] = slot
        places[0] = count
        self._places[number] = places
        self.held_bytes += count * size_bytes
        self.length += count

    def drop(self, slot: int) -> Unit:
        """Forget a unit that is in no ring any more."""
        unit = number, block = self.unit_at(slot)
        self.newer[slot] = self._free
        self._free = slot
        self.marks[slot] = 0
        self.held_bytes -= self.sizes[slot]
        self.length -= 1
        places = self._places[number]
        places[block + 1] = NONE
        places[0] -= 1
        if not places[0]:
            del self._places[number]
        return unit

    def link(self, slot: int, ring: int) -> None:
        """Put a slot at the end of a ring, where the newest is."""
        newer, older = self.newer, self.older
        last = older[ring]
        newer[last] = slot
        older[slot] = last
        newer[slot] = ring
        older[ring] = slot

    def unlink(self, slot: int) -> None:
        """Take a slot out of its ring."""
        before, after = self.older[slot], self.newer[slot]
        self.newer[before] = after
        self.older[after] = before

    def oldest(self, ring: int) -> int:
        """The slot that was put into a ring first, or NONE."""
        slot = self.newer[ring]
        return NONE if slot == ring else slot

    def idle_seconds(self, slot: int, now: float) -> int:
        """How long a unit was not used."""
        return (int(now) - self.used_at[slot]) & _SECONDS_MASK

    def _append(self, key: int, size_bytes: int, seconds: int) -> int:
        slot = len(self.units)
        self.units.append(key)
        self.sizes.append(size_bytes)
        self.used_at.append(seconds)
        self.older.append(NONE)
        self.newer.append(NONE)
        self.marks.append(0)
        return slot

    def _place(self, unit: Unit) -> tuple[array[int], int]:
        """Where the unit's slot is to be written down, with room made for it."""
        number, block = unit
        if not (0 <= number < NUMBER_STOP and 0 <= block <= BLOCK_MASK):
            raise ValueError("a number or block out of range")
        places = self._places.get(number)
        if places is None:
            places = array("I", [0])
        missing = block + 2 - len(places)
        if missing > 0:
            places.extend(array("I", [NONE]) * missing)
        return places, block + 1

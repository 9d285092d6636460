"""Entries and their blocks as rules see them: numbers, sizes, moments; and what is pinned.

Stands between the holdings, which know entries and files, and one index for each disk, which
knows units and bytes. A number is made of the entry's key, so that a rule knows a title again
when another version of it comes, or the same after all of its blocks had gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from edge.cache.disk import Disk
from edge.cache.index import BlockIndex
from edge.cache.pins import Pins, Range, pins_name
from edge.cache.policy.slots import NUMBER_STOP, Unit
from edge.entry import Entry

_SEPARATOR: Final = b"\n"
"""Between the target and the variant in a key; no target contains it."""
_NUMBER_DIGITS: Final = 10
"""Hexadecimal digits of an object's id that make its number."""

NewIndex = Callable[[Disk], BlockIndex]


def lru_index(disk: Disk) -> BlockIndex:
    """The index of a disk when nothing is said: least recently used leaves first."""
    return BlockIndex(disk.size_bytes)


class Keeping:
    """What is kept on each disk and what goes. Belongs to the loop's thread, does no I/O."""

    def __init__(
        self, disks: Sequence[Disk], new_index: NewIndex, now: Callable[[], float]
    ) -> None:
        self.pins = Pins(disks[0].path / pins_name(disks[0].shelves))
        self.passed_by_blocks_total = 0
        self._now = now
        self._indexes = {disk: new_index(disk) for disk in disks}
        self._by_number: dict[int, Entry] = {}

    @property
    def indexes(self) -> Iterable[BlockIndex]:
        """One for each disk."""
        return self._indexes.values()

    def by_disk(self) -> Iterable[tuple[Disk, BlockIndex]]:
        """Each disk with its index."""
        return self._indexes.items()

    def evictions(self) -> Counter[tuple[str, str]]:
        """What each rule has let go, in blocks, bytes and idle_seconds."""
        counts: Counter[tuple[str, str]] = Counter()
        for index in self.indexes:
            for rule, gone in index.evictions.items():
                counts[rule, "blocks"] += gone.blocks
                counts[rule, "bytes"] += gone.size_bytes
                counts[rule, "idle_seconds"] += gone.idle_seconds
        return counts

    def enrol(self, entry: Entry) -> None:
        """An entry has taken its key."""
        number = int(entry.object_id[:_NUMBER_DIGITS], 16)
        while number in self._by_number:
            number = (number + 1) % NUMBER_STOP
        entry.number = number
        self._by_number[number] = entry
        index = self._indexes[entry.disk]
        if index.kinds is not None:
            index.kinds.enrol(number, target_of(entry))
        index.expect(number, entry.count)

    def forget(self, entry: Entry) -> None:
        """An entry has lost its key and all of its blocks."""
        if self.is_current(entry):
            del self._by_number[entry.number]
            kinds = self._indexes[entry.disk].kinds
            if kinds is not None:
                kinds.forget(entry.number)

    def is_current(self, entry: Entry) -> bool:
        """Whether the entry is known here, with its blocks."""
        return self._by_number.get(entry.number) is entry

    def hit(self, entry: Entry, block: int) -> None:
        """A block was used, if it is held."""
        self._indexes[entry.disk].hit((entry.number, block), self._now())

    def is_wanted(self, entry: Entry, block: int) -> bool:
        """A block that is not held is asked for: is it to be kept when it comes?

        Ask once for each reader that has a use for it.
        """
        if entry.replaced or not self.is_current(entry):
            return True
        unit, size_bytes = (entry.number, block), entry.block_size(block)
        wanted = self._indexes[entry.disk].miss(unit, size_bytes, self._now())
        return wanted or self.pins.is_pinned(target_of(entry), block)

    def admit(self, entry: Entry, block: int) -> list[tuple[Entry, int]] | None:
        """A block is here: those that have to go for it; None when it cannot be held."""
        index, unit = self._indexes[entry.disk], (entry.number, block)
        victims = index.admit(unit, entry.block_size(block), self._now())
        if victims is None:
            return None
        self._pin_if_asked(entry, block)
        return [self._block_of(victim) for victim in victims]

    def admit_all(self, entry: Entry, blocks: Sequence[int]) -> bool:
        """Take in blocks of full size of an entry that has none, unless there is no room."""
        index = self._indexes[entry.disk]
        return index.admit_all(entry.number, blocks, entry.block_bytes, self._now())

    def remove(self, entry: Entry, block: int) -> None:
        """A block is gone; nothing happens when its number is another entry's by now."""
        if self.is_current(entry):
            self._indexes[entry.disk].remove((entry.number, block))

    def pop(self, disk: Disk) -> tuple[Entry, int] | None:
        """Give up the block of a disk that has to go first."""
        victim = self._indexes[disk].pop(self._now())
        return None if victim is None else self._block_of(victim)

    def pin(self, target: bytes, first: int, stop: int | None, entries: Iterable[Entry]) -> None:
        """Keep blocks [first, stop) of a target, of which `entries` are held, and those to come."""
        self.pins.add(target, first, stop)
        for entry in entries:
            self.pin_held(entry)

    def pin_held(self, entry: Entry) -> None:
        """Pin what the entry holds of what is to be pinned."""
        if self.pins.ranges_of(target_of(entry)):
            for block in entry.held_blocks():
                self._pin_if_asked(entry, block)

    def unpin(self, target: bytes, first: int, stop: int | None, entries: Iterable[Entry]) -> None:
        """Let blocks [first, stop) go when their turn comes."""
        self.pins.discard(target, first, stop)
        for entry in entries:
            index = self._indexes[entry.disk]
            for block in entry.held_blocks():
                if not self.pins.is_pinned(target, block):
                    index.unpin((entry.number, block), self._now())

    def pinned(self) -> dict[bytes, list[Range]]:
        """What is to be pinned, by target."""
        return {target: self.pins.ranges_of(target) for target in self.pins.targets()}

    def _pin_if_asked(self, entry: Entry, block: int) -> None:
        index = self._indexes[entry.disk]
        if self.pins.is_pinned(target_of(entry), block):
            room_bytes = index.pinned_bytes_max - index.pinned_bytes
            if entry.block_size(block) <= room_bytes:
                index.pin((entry.number, block))

    def _block_of(self, unit: Unit) -> tuple[Entry, int]:
        number, block = unit
        return self._by_number[number], block


def shelf_of_number(number: int) -> int:
    """The shelf on which an entry of this number stands, unless numbers collided at its edge."""
    return number >> 4 * (_NUMBER_DIGITS - 2)


def target_of(entry: Entry) -> bytes:
    """The target of an entry, without its variant."""
    return entry.key.partition(_SEPARATOR)[0]

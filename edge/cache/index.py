"""Which blocks are held and which leave when room is needed, by bytes, under a rule.

Accounting only; the owner of the files is told the victims and removes them. The rule
(`edge.cache.policy`) says who leaves; what fits and who is pinned is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edge.cache.policy.kinds import Kinds
from edge.cache.policy.learned import Learned
from edge.cache.policy.lru import Lru
from edge.cache.policy.order import Order
from edge.cache.policy.slots import NONE, PINNED, Slots, Unit

PINNED_SHARE: Final = 0.5
"""Of a disk, at most, where no more is set: what is pinned leaves viewers' requests the rest."""
MakeOrder = Callable[[Slots, int], Order]
"""Makes a rule over slots that hold so many bytes at most."""


@dataclass(slots=True)
class Evictions:
    """What one rule has let go; idle is the time since a unit's last use."""

    blocks: int = 0
    size_bytes: int = 0
    idle_seconds: int = 0


class BlockIndex:
    """Blocks with sizes in bytes, at most `capacity_bytes` of them.

    Numbers are below 2**40, blocks below 2**24. `now` is in seconds.
    """

    __slots__ = (
        "_order",
        "_slots",
        "capacity_bytes",
        "evictions",
        "kinds",
        "pinned_bytes",
        "pinned_bytes_max",
    )

    def __init__(
        self,
        capacity_bytes: int,
        make_order: MakeOrder = lambda slots, _: Lru(slots),
        pinned_share: float = PINNED_SHARE,
        kinds: Kinds | None = None,
    ) -> None:
        """`kinds` tells the rule's kinds of content apart, where it has some."""
        self.kinds = kinds
        self.capacity_bytes = capacity_bytes
        self.pinned_bytes = 0
        self.pinned_bytes_max = int(capacity_bytes * pinned_share)
        self.evictions: dict[str, Evictions] = {}
        self._slots = Slots()
        self._order = make_order(self._slots, capacity_bytes)

    def __contains__(self, unit: Unit) -> bool:
        return self._slots.find(unit) != NONE

    def __len__(self) -> int:
        return self._slots.length

    @property
    def held_bytes(self) -> int:
        """Bytes of the units held."""
        return self._slots.held_bytes

    @property
    def footprint_bytes(self) -> int:
        """Bytes of this process that the units take, but for what a dict of entries costs."""
        return self._slots.footprint_bytes

    @property
    def ruling(self) -> str:
        """The name of the rule that decides at the moment."""
        return self._order.ruling

    def expect(self, number: int, blocks: int) -> None:
        """An entry has so many blocks, held or not."""
        self._order.expect(number, blocks)

    def hit(self, unit: Unit, now: float) -> bool:
        """A unit is used; False, and nothing noted, when it is not held."""
        slot = self._slots.find(unit)
        if slot == NONE:
            return False
        slots = self._slots
        slots.used_at[slot] = int(now) & 0xFFFFFFFF
        if slots.marks[slot] & PINNED:
            self._order.asked(unit, slots.sizes[slot], True, now)
        else:
            self._order.used(slot, now)
        return True

    def miss(self, unit: Unit, size_bytes: int, now: float) -> bool:
        """A unit that is not held was asked for: is it to be admitted when it comes?"""
        has_room = self._slots.held_bytes + size_bytes <= self.capacity_bytes
        wanted = self._order.asked(unit, size_bytes, has_room, now)
        return wanted and size_bytes <= self.capacity_bytes

    def admit(self, unit: Unit, size_bytes: int, now: float) -> list[Unit] | None:
        """Take a unit in and return those that have to go; None when it cannot ever fit.

        Pinned units do not go: when too many of them are in the way, it cannot.
        """
        slots = self._slots
        old = slots.find(unit)
        in_the_way = self.pinned_bytes
        if slots.marks[old] & PINNED:
            in_the_way -= slots.sizes[old]
        if size_bytes + in_the_way > self.capacity_bytes:
            return None
        self.remove(unit)
        slot = slots.take(unit, 0, now)
        victims = self._make_room(size_bytes, now)
        slots.sizes[slot] = size_bytes
        slots.held_bytes += size_bytes
        self._order.entered(slot, now)
        return victims

    def admit_all(self, number: int, blocks: Sequence[int], size_bytes: int, now: float) -> bool:
        """Take in blocks of one size of an entry that has none yet, in the order of use.

        False, and nothing done, when there is no room for all of them. Blocks differ.
        """
        if not blocks or self.held_bytes + len(blocks) * size_bytes > self.capacity_bytes:
            return not blocks
        ring = self._order.ring_of(number)
        self._slots.take_all(number, blocks, size_bytes, now, ring)
        self._order.entered_all(number, blocks, now)
        return True

    def learned(self, now: float) -> Mapping[str, Learned]:
        """What the rule has learned and a restart should know."""
        return self._order.learned(now)

    def relearn(self, learned: Mapping[str, Learned], now: float) -> None:
        """What the rule of an earlier life has learned; before any unit comes."""
        self._order.relearn(learned, now)

    def pop(self, now: float) -> Unit | None:
        """Take out the unit that has to go first, if there is any."""
        slot = self._order.next_out(now)
        return None if slot == NONE else self._evict(slot, now)

    def remove(self, unit: Unit) -> None:
        """The unit is gone; unknown units are passed over."""
        slots = self._slots
        slot = slots.find(unit)
        if slot == NONE:
            return
        if slots.marks[slot] & PINNED:
            self.pinned_bytes -= slots.sizes[slot]
        else:
            self._order.left(slot, False)
        slots.drop(slot)

    def pin(self, unit: Unit) -> bool:
        """Keep a unit whatever comes; False when it is not held."""
        slots = self._slots
        slot = slots.find(unit)
        if slot == NONE:
            return False
        if not slots.marks[slot] & PINNED:
            self._order.left(slot, False)
            slots.marks[slot] |= PINNED
            self.pinned_bytes += slots.sizes[slot]
        return True

    def unpin(self, unit: Unit, now: float) -> None:
        """Let a unit go when its turn comes."""
        slots = self._slots
        slot = slots.find(unit)
        if slot != NONE and slots.marks[slot] & PINNED:
            slots.marks[slot] &= ~PINNED
            self.pinned_bytes -= slots.sizes[slot]
            self._order.entered(slot, now)

    def _make_room(self, size_bytes: int, now: float) -> list[Unit]:
        victims = []
        while self._slots.held_bytes + size_bytes > self.capacity_bytes:
            victims.append(self._evict(self._order.next_out(now), now))
        return victims

    def _evict(self, slot: int, now: float) -> Unit:
        slots = self._slots
        evictions = self.evictions.setdefault(self._order.ruling, Evictions())
        evictions.blocks += 1
        evictions.size_bytes += slots.sizes[slot]
        evictions.idle_seconds += slots.idle_seconds(slot, now)
        self._order.left(slot, True)
        return slots.drop(slot)

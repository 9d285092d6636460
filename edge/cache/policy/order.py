"""What a rule of eviction is told and asked, and the parts that most rules do not need.

A rule keeps an order over the slots of one table; who holds the bytes, what fits and who is pinned
is `edge.cache.index`'s business. The moment `now` is in seconds and never goes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from edge.cache.policy.learned import Learned
from edge.cache.policy.slots import NONE, Slots, Unit


class Order(Protocol):
    """Which unit leaves next, and which may come in."""

    @property
    def ruling(self) -> str:
        """The name of the rule that decides at the moment."""

    def ring_of(self, number: int) -> int:
        """Where units of an entry that come in bulk are linked by whoever takes them; or NONE."""

    def expect(self, number: int, blocks: int) -> None:
        """An entry has so many blocks, held or not."""

    def asked(self, unit: Unit, size_bytes: int, has_room: bool, now: float) -> bool:
        """A unit that is not in the order was asked for: is it to be kept when it comes?"""

    def entered(self, slot: int, now: float) -> None:
        """A unit came in."""

    def entered_all(self, number: int, blocks: Sequence[int], now: float) -> None:
        """Blocks of an entry that had none came in, and are in the ring already."""

    def used(self, slot: int, now: float) -> None:
        """A unit that is held was used."""

    def next_out(self, now: float) -> int:
        """The slot that has to go first, NONE when there is none."""

    def left(self, slot: int, evicted: bool) -> None:
        """A unit goes, because it has to or for a reason of its own."""

    def learned(self, now: float) -> Mapping[str, Learned]:
        """What a restart should know, by kind of content; quick, however much it is."""

    def relearn(self, learned: Mapping[str, Learned], now: float) -> None:
        """What an earlier life has learned. Before any unit comes."""


class RingOrder:
    """A rule whose order is one ring, oldest first; as it stands, first in, first out."""

    name = "fifo"

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self.ring = slots.add_ring()

    @property
    def ruling(self) -> str:
        """The name of the rule."""
        return self.name

    def ring_of(self, number: int) -> int:
        """The one there is."""
        return self.ring

    def expect(self, number: int, blocks: int) -> None:
        """Means nothing to a rule that knows no titles."""

    def asked(self, unit: Unit, size_bytes: int, has_room: bool, now: float) -> bool:
        """Whatever comes is kept."""
        return True

    def entered(self, slot: int, now: float) -> None:
        """Behind all others."""
        self._slots.link(slot, self.ring)

    def entered_all(self, number: int, blocks: Sequence[int], now: float) -> None:
        """Behind all others, where they are already."""

    def used(self, slot: int, now: float) -> None:
        """Changes nothing."""

    def next_out(self, now: float) -> int:
        """The oldest."""
        return self._slots.oldest(self.ring)

    def left(self, slot: int, evicted: bool) -> None:
        """Leaves the ring."""
        self._slots.unlink(slot)

    def learned(self, now: float) -> Mapping[str, Learned]:
        """Nothing but the order of use, which the blocks found at a start make anew."""
        return {}

    def relearn(self, learned: Mapping[str, Learned], now: float) -> None:
        """Means nothing to it."""


__all__ = ["NONE", "Order", "RingOrder", "Slots", "Unit"]

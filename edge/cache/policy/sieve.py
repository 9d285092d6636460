"""SIEVE (Zhang et al., NSDI 2024): a hand goes from old to new and takes what was not visited."""

from __future__ import annotations

from typing import Final

from edge.cache.policy.order import NONE, RingOrder, Slots

_VISITED: Final = 1


class Sieve(RingOrder):
    """Nothing moves on a hit; a unit that was visited is passed over once."""

    name = "sieve"

    def __init__(self, slots: Slots) -> None:
        super().__init__(slots)
        self._hand = NONE

    def used(self, slot: int, now: float) -> None:
        """Marked, not moved."""
        self._slots.marks[slot] |= _VISITED

    def next_out(self, now: float) -> int:
        """Where the hand comes to rest."""
        slots = self._slots
        slot = self._hand or slots.oldest(self.ring)
        while slot != NONE and slots.marks[slot] & _VISITED:
            slots.marks[slot] &= ~_VISITED
            slot = self._after(slot) or slots.oldest(self.ring)
        self._hand = slot
        return slot

    def left(self, slot: int, evicted: bool) -> None:
        """The hand goes on behind it."""
        if slot == self._hand:
            self._hand = self._after(slot)
        self._slots.marks[slot] &= ~_VISITED
        self._slots.unlink(slot)

    def _after(self, slot: int) -> int:
        after = self._slots.newer[slot]
        return NONE if after == self.ring else after

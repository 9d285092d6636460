"""S3-FIFO (Yang et al., SOSP 2023): a small queue on trial, a main queue, and ghosts.

New units pass a queue of a tenth of the bytes and leave at its end unless used twice meanwhile;
a unit that left so and is asked for again soon enters the main queue at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from edge.cache.policy.learned import Learned
from edge.cache.policy.order import NONE, Slots, Unit

_USES: Final = 3
"""Bits of the mark that count uses, up to this many."""
_MAIN: Final = 4
_PROVEN_USES: Final = 2
_TRIAL_SHARE: Final = 0.1


class S3Fifo:
    """`capacity_bytes` is what the queues share; ghosts are as many bytes as the main queue."""

    name = "s3fifo"

    def __init__(self, slots: Slots, capacity_bytes: int) -> None:
        self._slots = slots
        self._trial = slots.add_ring()
        self._main = slots.add_ring()
        self._trial_bytes = 0
        self._trial_bytes_max = int(capacity_bytes * _TRIAL_SHARE)
        self._ghosts = Slots()
        self._gone = self._ghosts.add_ring()
        self._ghost_bytes_max = capacity_bytes - self._trial_bytes_max

    @property
    def ruling(self) -> str:
        """The name of the rule."""
        return self.name

    def ring_of(self, number: int) -> int:
        """The main queue."""
        return self._main

    def expect(self, number: int, blocks: int) -> None:
        """Means nothing to a rule that knows no titles."""

    def asked(self, unit: Unit, size_bytes: int, has_room: bool, now: float) -> bool:
        """Whatever comes is kept, if only on trial."""
        return True

    def entered(self, slot: int, now: float) -> None:
        """On trial, unless it was here not long ago."""
        ghost = self._ghosts.find(self._slots.unit_at(slot))
        if ghost != NONE:
            self._forget(ghost)
            self._slots.marks[slot] |= _MAIN
            self._slots.link(slot, self._main)
        else:
            self._trial_bytes += self._slots.sizes[slot]
            self._slots.link(slot, self._trial)

    def entered_all(self, number: int, blocks: Sequence[int], now: float) -> None:
        """What a restart finds has had its trial."""
        self._slots.marks[-len(blocks) :] = bytes([_MAIN]) * len(blocks)

    def used(self, slot: int, now: float) -> None:
        """Counted, not moved."""
        marks = self._slots.marks
        if marks[slot] & _USES < _USES:
            marks[slot] += 1

    def next_out(self, now: float) -> int:
        """The end of the queue that has more than its share; what was used goes round again."""
        slots = self._slots
        while True:
            trial, main = slots.oldest(self._trial), slots.oldest(self._main)
            if trial == NONE and main == NONE:
                return NONE
            if trial != NONE and (main == NONE or self._trial_bytes > self._trial_bytes_max):
                if slots.marks[trial] & _USES < _PROVEN_USES:
                    return trial
                self._promote(trial)
            elif slots.marks[main] & _USES:
                slots.marks[main] -= 1
                slots.unlink(main)
                slots.link(main, self._main)
            else:
                return main

    def left(self, slot: int, evicted: bool) -> None:
        """A unit that failed its trial is remembered for a while."""
        slots = self._slots
        slots.unlink(slot)
        if not slots.marks[slot] & _MAIN:
            self._trial_bytes -= slots.sizes[slot]
            if evicted:
                self._remember(slot)
        slots.marks[slot] &= ~(_MAIN | _USES)

    def learned(self, now: float) -> Mapping[str, Learned]:
        """Nothing: its ghosts are forgotten within hours in any case."""
        return {}

    def relearn(self, learned: Mapping[str, Learned], now: float) -> None:
        """Means nothing to it."""

    def _promote(self, slot: int) -> None:
        slots = self._slots
        self._trial_bytes -= slots.sizes[slot]
        slots.marks[slot] = _MAIN
        slots.unlink(slot)
        slots.link(slot, self._main)

    def _remember(self, slot: int) -> None:
        ghosts, unit = self._ghosts, self._slots.unit_at(slot)
        old = ghosts.find(unit)
        if old != NONE:
            self._forget(old)
        ghosts.link(ghosts.take(unit, self._slots.sizes[slot], 0), self._gone)
        while ghosts.held_bytes > self._ghost_bytes_max:
            self._forget(ghosts.oldest(self._gone))

    def _forget(self, ghost: int) -> None:
        self._ghosts.unlink(ghost)
        self._ghosts.drop(ghost)

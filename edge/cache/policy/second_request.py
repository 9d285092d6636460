"""Admission: what nobody else has asked for lately is served and not written.

Most of what is asked for once is never asked for again. A unit is remembered for at least
`window_seconds`, which has to be as long as units survive in the cache, by two Bloom filters that
take turns. While there is room everything is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from edge.cache.policy.learned import Learned
from edge.cache.policy.order import Order, Unit
from edge.cache.policy.slots import BLOCK_BITS

WINDOW_SECONDS: Final = 86_400.0
_UNITS_MAX: Final = 1 << 21
_BITS_PER_UNIT: Final = 16
_PROBES: Final = 4
"""With 16 bits and 4 probes for each unit, 1 in 400 is taken for one that was seen."""
_BITS: Final = _UNITS_MAX * _BITS_PER_UNIT
_MIXER: Final = 0x9E3779B97F4A7C15
_MASK: Final = (1 << 64) - 1


class SecondRequest:
    """A rule with admission in front of it; 8 MiB for up to two million units in a window."""

    def __init__(self, order: Order, window_seconds: float = WINDOW_SECONDS) -> None:
        self._order = order
        self._window = window_seconds
        self._seen = bytearray(_BITS // 8)
        self._seen_before = bytearray(_BITS // 8)
        self._count = 0
        self._since: float | None = None

    @property
    def ruling(self) -> str:
        """The name of the rule behind it."""
        return self._order.ruling

    def ring_of(self, number: int) -> int:
        """That of the rule behind it."""
        return self._order.ring_of(number)

    def expect(self, number: int, blocks: int) -> None:
        """Handed on."""
        self._order.expect(number, blocks)

    def asked(self, unit: Unit, size_bytes: int, has_room: bool, now: float) -> bool:
        """Kept with the second request, and when there is room."""
        wanted = self._order.asked(unit, size_bytes, has_room, now)
        seen = self._look(unit, now)
        return wanted and (has_room or seen)

    def entered(self, slot: int, now: float) -> None:
        """Handed on."""
        self._order.entered(slot, now)

    def entered_all(self, number: int, blocks: Sequence[int], now: float) -> None:
        """Handed on."""
        self._order.entered_all(number, blocks, now)

    def used(self, slot: int, now: float) -> None:
        """Handed on."""
        self._order.used(slot, now)

    def next_out(self, now: float) -> int:
        """Handed on."""
        return self._order.next_out(now)

    def left(self, slot: int, evicted: bool) -> None:
        """Handed on."""
        self._order.left(slot, evicted)

    def learned(self, now: float) -> Mapping[str, Learned]:
        """That of the rule behind it; what was seen once is forgotten."""
        return self._order.learned(now)

    def relearn(self, learned: Mapping[str, Learned], now: float) -> None:
        """Handed on."""
        self._order.relearn(learned, now)

    def _look(self, unit: Unit, now: float) -> bool:
        """Whether the unit was seen, and it is from now on."""
        if self._since is None:
            self._since = now
        if now - self._since >= self._window or self._count >= _UNITS_MAX:
            is_old = now - self._since >= 2 * self._window
            self._seen_before = bytearray(_BITS // 8) if is_old else self._seen
            self._seen = bytearray(_BITS // 8)
            self._count, self._since = 0, now
        seen, before = self._seen, self._seen_before
        mixed = (unit[0] << BLOCK_BITS | unit[1]) * _MIXER & _MASK
        mixed ^= mixed >> 29
        step = mixed >> 32 | 1
        is_here = is_there = True
        for _ in range(_PROBES):
            place, bit = mixed % _BITS >> 3, 1 << (mixed & 7)
            if not seen[place] & bit:
                is_here = False
                seen[place] |= bit
            if not before[place] & bit:
                is_there = False
            mixed += step
        self._count += not is_here
        return is_here or is_there

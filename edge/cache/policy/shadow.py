"""A rule tried without bytes: what it would have missed, of a sample of the requests."""

from __future__ import annotations

from typing import Final

from edge.cache.index import BlockIndex, MakeOrder
from edge.cache.policy.slots import Unit

FORGETTING: Final = 0.9998
"""What is left of the misses counted after one request more."""


class Shadow:
    """A cache of `capacity_bytes` that holds nothing; `missed_bytes` fades with every request."""

    __slots__ = ("_index", "missed_bytes")

    def __init__(self, capacity_bytes: int, make_order: MakeOrder) -> None:
        self._index = BlockIndex(capacity_bytes, make_order)
        self.missed_bytes = 0.0

    def __len__(self) -> int:
        return len(self._index)

    def expect(self, number: int, blocks: int) -> None:
        """An entry has so many blocks."""
        self._index.expect(number, blocks)

    def request(self, unit: Unit, size_bytes: int, now: float) -> None:
        """A unit of the sample was asked for."""
        self.missed_bytes *= FORGETTING
        if self._index.hit(unit, now):
            return
        self.missed_bytes += size_bytes
        if self._index.miss(unit, size_bytes, now):
            self._index.admit(unit, size_bytes, now)

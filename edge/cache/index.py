"""Which block leaves when room is needed: least recently used, by bytes.

Accounting only; the owner of the files is told the victims and removes them.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache

Unit = TypeVar("Unit", bound=Hashable)


class LruIndex(Generic[Unit]):
    """Units with sizes in bytes, at most `capacity_bytes` of them."""

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        # The victims are taken out by hand before a unit goes in, so that none leaves unseen.
        self._units: LRUCache[Unit, int] = LRUCache(capacity_bytes, getsizeof=lambda size: size)

    def __contains__(self, unit: Unit) -> bool:
        return unit in self._units

    def __len__(self) -> int:
        return len(self._units)

    @property
    def held_bytes(self) -> int:
        """Bytes of all units held."""
        return int(self._units.currsize)

    def touch(self, unit: Unit) -> None:
        """The unit was used just now; unknown units are passed over."""
        self._units.get(unit)

    def admit(self, unit: Unit, size_bytes: int) -> list[Unit] | None:
        """Take a unit in and return those that have to go; None when it cannot ever fit."""
        if size_bytes > self.capacity_bytes:
            return None
        victims: list[Unit] = []
        self._units.pop(unit, None)
        while self._units.currsize + size_bytes > self.capacity_bytes:
            victims.append(self._units.popitem()[0])
        self._units[unit] = size_bytes
        return victims

    def pop(self) -> Unit | None:
        """Take out the unit that has to go first, if there is any."""
        return self._units.popitem()[0] if self._units else None

    def remove(self, unit: Unit) -> None:
        """The unit is gone; unknown units are passed over."""
        self._units.pop(unit, None)

"""Least recently used leaves first. `cachetools.LRUCache` is the reference of its test."""

from __future__ import annotations

from edge.cache.policy.order import RingOrder


class Lru(RingOrder):
    """The ring is the order of use."""

    name = "lru"

    def used(self, slot: int, now: float) -> None:
        """Behind all others again."""
        self._slots.unlink(slot)
        self._slots.link(slot, self.ring)

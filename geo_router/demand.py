"""How often each title was asked for and each edge was named lately, per site.

Counts fade by half in every half-life. Instead of shrinking all of them, a new one counts for more
and more (forward decay), so that time costs nothing where requests pass; all are scaled down once
in a while. What follows from the counts is `spread`'s part. Pure: time comes in through `advance`.
"""

from __future__ import annotations

import math
from heapq import nlargest
from typing import Final

HALF_LIFE_SECONDS: Final = 30.0
KEYS_MAX: Final = 100_000
"""Titles counted at a time in all sites; more are not told apart from cold ones."""

_GAIN_MAX: Final = 1e6
_FORGOTTEN: Final = 0.5


class SiteDemand:
    """The counts of one site, in units of `Demand.gain`."""

    __slots__ = ("by_edge", "by_key", "total")

    def __init__(self) -> None:
        self.total = 0.0
        self.by_key: dict[bytes, float] = {}
        self.by_edge: dict[str, float] = {}


class Demand:
    """The counts of all sites."""

    def __init__(self, now: float, half_life_seconds: float = HALF_LIFE_SECONDS) -> None:
        self._half_life_seconds = half_life_seconds
        self._start = now
        self._sites: dict[int, SiteDemand] = {}
        self._keys = 0
        self.gain = 1.0
        """What one request counts for now."""

    def site(self, site: int) -> SiteDemand:
        """The counts of a site, to read."""
        demand = self._sites.get(site)
        if demand is None:
            demand = self._sites[site] = SiteDemand()
        return demand

    def count(self, site: int, key: bytes, edge: str) -> None:
        """One viewer was sent to an edge for a title."""
        demand, gain = self.site(site), self.gain
        demand.total += gain
        demand.by_edge[edge] = demand.by_edge.get(edge, 0.0) + gain
        counted = demand.by_key.get(key)
        if counted is None:
            if self._keys >= KEYS_MAX:
                return
            self._keys += 1
            counted = 0.0
        demand.by_key[key] = counted + gain

    def busiest(self, most: int) -> list[tuple[bytes, float]]:
        """The keys asked for most, with how often a second, over all sites."""
        counts: dict[bytes, float] = {}
        for demand in self._sites.values():
            for key, count in demand.by_key.items():
                counts[key] = counts.get(key, 0.0) + count
        per_second = math.log(2) / (self._half_life_seconds * self.gain)
        return [
            (key, count * per_second)
            for key, count in nlargest(most, counts.items(), key=lambda each: each[1])
        ]

    def limit(self, per_second: float) -> float:
        """The count at which requests have come this often for long."""
        return per_second * self._half_life_seconds / math.log(2) * self.gain

    def advance(self, now: float) -> None:
        """Let the counts fade until now."""
        self.gain = 2.0 ** (max(now - self._start, 0.0) / self._half_life_seconds)
        if self.gain > _GAIN_MAX or self._keys >= KEYS_MAX:
            self._scale_down(now)

    def _scale_down(self, now: float) -> None:
        gain, self.gain, self._start, self._keys = self.gain, 1.0, now, 0
        for demand in self._sites.values():
            demand.total /= gain
            demand.by_edge = {edge: count / gain for edge, count in demand.by_edge.items()}
            demand.by_key = {
                key: count / gain
                for key, count in demand.by_key.items()
                if count / gain >= _FORGOTTEN
            }
            self._keys += len(demand.by_key)

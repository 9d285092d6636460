"""Where viewers were sent lately, from where: the live routes of the map.

A viewer is a square of the earth, never an address; squares and sites are counted together and fade
by half in every half-life. Pure: time comes in through `advance`.
"""

from __future__ import annotations

import heapq
import math
from typing import Any, Final

from geo_router.place import Square

HALF_LIFE_SECONDS: Final = 15.0
PAIRS_MAX: Final = 4000
TOLD_MAX: Final = 250
_FORGOTTEN: Final = 0.05


class Flows:
    """Counts of (square, site)."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._counts: dict[tuple[Square, str], float] = {}

    def count(self, square: Square, site: str, times: int = 1) -> None:
        """So many viewers of a square were sent to a site."""
        if not site:
            return
        pair = (square, site)
        if pair in self._counts or len(self._counts) < PAIRS_MAX:
            self._counts[pair] = self._counts.get(pair, 0.0) + times

    def advance(self, now: float) -> None:
        """Let the counts fade until now."""
        share = 2.0 ** (-max(now - self._now, 0.0) / HALF_LIFE_SECONDS)
        self._now = now
        self._counts = {
            pair: count * share
            for pair, count in self._counts.items()
            if count * share >= _FORGOTTEN
        }

    def body(self) -> list[dict[str, Any]]:
        """The busiest, with how often a second."""
        busiest = heapq.nlargest(TOLD_MAX, self._counts.items(), key=lambda each: each[1])
        return [
            {
                "latitude": square[0],
                "longitude": square[1],
                "site": site,
                "per_second": round(count * math.log(2) / HALF_LIFE_SECONDS, 3),
            }
            for (square, site), count in busiest
        ]

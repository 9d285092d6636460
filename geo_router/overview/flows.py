"""Where viewers were sent lately, from where: the live routes of the map.

A viewer is the middle of a square of five degrees, never an address; squares and sites are counted
together and fade by half in every half-life. Pure: time comes in through `advance`.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from typing import Any, Final

from geo_router.place import Place

Cell = tuple[int, int]
"""Latitude and longitude of the middle of a square, in degrees."""

CELL_DEGREES: Final = 5
HALF_LIFE_SECONDS: Final = 15.0
PAIRS_MAX: Final = 4000
TOLD_MAX: Final = 250
_FORGOTTEN: Final = 0.05


def cell_of(place: Place, sites: Mapping[str, tuple[float, float]]) -> Cell | None:
    """The square of a place. One that is known by its site alone is where the site is."""
    coordinates = place.coordinates or sites.get(place.site)
    if coordinates is None:
        return None
    latitude, longitude = coordinates
    return _middle(latitude), _middle((longitude + 180) % 360 - 180)


def _middle(degrees: float) -> int:
    return round(degrees / CELL_DEGREES) * CELL_DEGREES


class Flows:
    """Counts of (square, site)."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._counts: dict[tuple[Cell, str], float] = {}

    def count(self, cell: Cell | None, site: str, times: int = 1) -> None:
        """So many viewers of a square were sent to a site."""
        if cell is None or not site:
            return
        pair = (cell, site)
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
                "latitude": cell[0],
                "longitude": cell[1],
                "site": site,
                "per_second": round(count * math.log(2) / HALF_LIFE_SECONDS, 3),
            }
            for (cell, site), count in busiest
        ]

"""Where every decision is counted, whichever way it was made: for metrics, and for the page."""

from __future__ import annotations

from dataclasses import dataclass

from geo_router.choose import Rung
from geo_router.metrics import RouterMetrics
from geo_router.overview.overview import Overview
from geo_router.place import Source, Square


@dataclass(frozen=True, slots=True)
class Counting:
    """Both accounts."""

    metrics: RouterMetrics
    overview: Overview

    def count(self, site: str, rung: Rung, source: Source, square: Square, times: int = 1) -> None:
        """So many viewers of a square were sent to a site (empty: to none)."""
        self.metrics.count_decision(site, rung, source, times)
        self.overview.count(square, site, times)

    def count_told(self, site: str, rung: str, source: str, square: Square, times: int) -> None:
        """As `count`, of a lane that keeps names."""
        self.count(site, Rung(rung), Source(source), square, times)

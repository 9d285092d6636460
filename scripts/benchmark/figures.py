"""From runs to medians and ratios. Pure.

A ratio is taken in each round, between runs that stood next to each other, and the median of
those is given with the range: what else the machine did meanwhile hits both sides of a round.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scripts.benchmark.measures import Figure

Run = dict[str, float]
Runs = dict[str, list[Run]]
"""Of one measure: the runs of each server, one a round."""


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share does not exceed; `values` are not empty."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times better the first server is; above 1 is better, whatever the figure."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.median:.2f}"
        return f"{self.median:.2f} ({self.low:.2f}-{self.high:.2f})"


def median_of(runs: Sequence[Run], figure: str) -> float | None:
    """The median of a figure over rounds."""
    values = [run[figure] for run in runs if figure in run]
    return statistics.median(values) if values else None


def ratio_of(runs: Runs, ours: str, theirs: str, figure: Figure) -> Ratio | None:
    """Ours against theirs, round by round; None when a figure is missing or zero."""
    ratios = []
    for mine, other in zip(runs.get(ours, ()), runs.get(theirs, ()), strict=False):
        a, b = mine.get(figure.name, 0.0), other.get(figure.name, 0.0)
        if a > 0 and b > 0:
            ratios.append(b / a if figure.lower_is_better else a / b)
    if not ratios:
        return None
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))

"""The last minutes and hours of an installation, in rings of a fixed size. Pure.

A ring holds one number per series and step, in arrays that are made once: with `FINE`, `COARSE`
and nineteen series that is 2760 steps of 152 bytes, 420 kB. What was not seen is a gap, never
a guess.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Span:
    """How fine and how far back."""

    step_seconds: int
    steps: int


FINE: Final = Span(1, 600)
COARSE: Final = Span(10, 2160)
_GAP: Final = math.nan
_SIGNIFICANT: Final = 6


class Ring:
    """Samples of some series, one a step."""

    def __init__(self, series: Sequence[str], span: Span) -> None:
        self._span = span
        self._series = {name: array("d", [_GAP]) * span.steps for name in series}
        self._next = 0
        self._count = 0
        self.ended_at: float | None = None
        """Moment of the newest sample, in seconds since 1970."""

    def add(self, now: float, sample: Mapping[str, float]) -> None:
        """Take in a sample; steps that were left out since the last become gaps."""
        if self.ended_at is not None:
            missed = round((now - self.ended_at) / self._span.step_seconds) - 1
            for _ in range(min(max(missed, 0), self._span.steps)):
                self._push({})
        self._push(sample)
        self.ended_at = now

    def body(self) -> dict[str, Any]:
        """All of it, oldest first, gaps as None."""
        return {
            "step_seconds": self._span.step_seconds,
            "ended_at": self.ended_at,
            "series": {name: self._ordered(values) for name, values in self._series.items()},
        }

    def _push(self, sample: Mapping[str, float]) -> None:
        for name, values in self._series.items():
            # Rounded here, once: a reading of hours has a hundred times as many numbers.
            values[self._next] = float(f"{sample.get(name, _GAP):.{_SIGNIFICANT}g}")
        self._next = (self._next + 1) % self._span.steps
        self._count = min(self._count + 1, self._span.steps)

    def _ordered(self, values: array[float]) -> list[float | None]:
        ordered = (values[self._next :] + values[: self._next])[self._span.steps - self._count :]
        return [None if math.isnan(value) else value for value in ordered]


class History:
    """Both rings; the coarse one holds means of the fine one's samples."""

    def __init__(self, series: Sequence[str], fine: Span = FINE, coarse: Span = COARSE) -> None:
        self._series = tuple(series)
        self._coarse_seconds = coarse.step_seconds
        self.fine = Ring(series, fine)
        self.coarse = Ring(series, coarse)
        self._window = 0
        self._gathered: list[Mapping[str, float]] = []

    def add(self, now: float, sample: Mapping[str, float]) -> None:
        """Take in the sample of a moment (seconds since 1970)."""
        window = int(now // self._coarse_seconds)
        if self._gathered and window != self._window:
            self.coarse.add(self._window * self._coarse_seconds, self._means())
            self._gathered = []
        self._window = window
        self._gathered.append(sample)
        self.fine.add(now, sample)

    def body(self) -> dict[str, Any]:
        """Both rings as JSON values."""
        return {"fine": self.fine.body(), "coarse": self.coarse.body()}

    def _means(self) -> dict[str, float]:
        means = {}
        for name in self._series:
            seen = [sample[name] for sample in self._gathered if name in sample]
            if seen:
                means[name] = sum(seen) / len(seen)
        return means

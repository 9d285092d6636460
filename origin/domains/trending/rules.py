"""How much a title is watched of late: views that weigh half as much after each half-life. Pure.

A view is a profile's first event of the kind `play` for a title within a window, first by its
number in the log. Windows are as long as a half-life and begin at the same moments for everybody,
at multiples of it since the epoch. A view at `at` weighs 2^(-(now - at) / half-life), a score is
the sum over the views of the present window and of the eight before it. So whoever plays a title a
thousand times in a window moves it as if they had played it once, and nobody ever weighs as much
as three views, however long they go on.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

WINDOWS_BEFORE: Final = 8
"""Windows that count besides the present one: a view of an older one weighs less than 1/256."""
EVERYWHERE: Final = ""
"""The region that every view counts for, also where nobody knows its country."""
FORMULA: Final = "score = sum over views of 2 ** (-(at - view_at) / half_life_seconds)"


@dataclass(frozen=True, slots=True)
class Play:
    """A profile begins a title."""

    profile: str
    title: str
    region: str
    at: float


@dataclass(frozen=True, slots=True)
class Standing:
    """How titles of a region stand at a moment; `order` has the highest score first.

    A score is a title's weight, as of some time before, by what it has decayed since.
    """

    at: float
    weights: Mapping[str, float]
    decay: float
    order: tuple[str, ...]

    def score(self, title: str) -> float:
        """How much a title is watched of late; 0 for one that is not."""
        return self.weights.get(title, 0.0) * self.decay

    def popularity(self, title: str) -> float:
        """From 0, watched by nobody, to 1, the most watched; the steps are those of a logarithm."""
        score = self.score(title)
        return math.log1p(score) / math.log1p(self.score(self.order[0])) if score else 0.0


_Weights: TypeAlias = defaultdict[str, defaultdict[str, float]]
"""By region and title."""


def _no_weights() -> _Weights:
    return defaultdict(lambda: defaultdict(float))


@dataclass(slots=True)
class _Window:
    """Views of one window; weights as of its beginning."""

    # Hashes instead of names: a third of the memory, and one in 10^12 of mistaking two of them.
    seen: set[int] = field(default_factory=set)
    weights: _Weights = field(default_factory=_no_weights)


class Views:
    """All views that weigh something. Plays are added in the order of their numbers."""

    def __init__(self, half_life_seconds: float, now: float) -> None:
        self._half_life_seconds = half_life_seconds
        self._windows: dict[int, _Window] = {}
        self._oldest = self._window_of(now) - WINDOWS_BEFORE
        # Of all windows together, as of the beginning of the oldest: adding them up whenever it is
        # asked how titles stand took 13 times as long, with 20,000 titles.
        self._weights = _no_weights()

    def spans(self) -> list[tuple[float, float]]:
        """The windows that count, from the oldest to the one after the present, as [start, stop).

        Clocks of other origins may be a little ahead.
        """
        length = self._half_life_seconds
        numbers = range(self._oldest, self._oldest + WINDOWS_BEFORE + 2)
        return [(number * length, (number + 1) * length) for number in numbers]

    def __len__(self) -> int:
        return sum(len(window.seen) for window in self._windows.values())

    def add(self, plays: Iterable[Play]) -> None:
        """Count those that are views."""
        for play in plays:
            number = self._window_of(play.at)
            if number < self._oldest:
                continue
            window = self._windows.setdefault(number, _Window())
            who = hash((play.profile, play.title))
            if who in window.seen:
                continue
            window.seen.add(who)
            weight = 2.0 ** (play.at / self._half_life_seconds - number)
            for region in {EVERYWHERE, play.region}:
                window.weights[region][play.title] += weight
                self._weights[region][play.title] += weight * 2.0 ** (number - self._oldest)

    def advance(self, now: float) -> None:
        """Forget what weighs nothing any more."""
        oldest = self._window_of(now) - WINDOWS_BEFORE
        if oldest <= self._oldest:
            return
        self._oldest = oldest
        self._windows = {n: window for n, window in self._windows.items() if n >= oldest}
        self._weights = _no_weights()
        for number, window in self._windows.items():
            for region, weights in window.weights.items():
                for title, weight in weights.items():
                    self._weights[region][title] += weight * 2.0 ** (number - oldest)

    def standing(self, region: str, now: float) -> Standing:
        """How a region's titles stand; those that are equal, in the order of their names."""
        weights = dict(self._weights.get(region, {}))
        decay = 2.0 ** (self._oldest - now / self._half_life_seconds)
        order = sorted(sorted(weights), key=weights.__getitem__, reverse=True)
        return Standing(now, weights, decay, tuple(order))

    def _window_of(self, at: float) -> int:
        return math.floor(at / self._half_life_seconds)

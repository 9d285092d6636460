"""How many of a title's viewers come to a position of it, learned from what is asked for.

Most sessions end early, so that the beginning of a title is worth more than its end. All titles
share one curve over their relative length, which never rises.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log2
from typing import Final

_BINS: Final = 64
_BLOCKS_MIN: Final = 8
"""Titles of fewer blocks have no shape: each block is worth the same."""
_LEARNED_AT_ONCE: Final = 2_000
_REMEMBERED: Final = 200_000
"""Requests after which half of what was learned is forgotten."""
_LEAST: Final = 0.01


class Survival:
    """The curve in 64 steps, in terms of log2 as scores are."""

    __slots__ = ("_counted", "_fresh", "_levels", "_mean", "_steps")

    def __init__(self) -> None:
        # Differences: what a request adds begins at one step and ends at another.
        self._steps = [0.0] * (_BINS + 2)
        self._levels = [0.0] * _BINS
        self._mean = 0.0
        self._fresh = 0
        self._counted = 0

    def learn(self, block: int, blocks: int) -> None:
        """A block of a title of so many was asked for."""
        if blocks < _BLOCKS_MIN:
            return
        steps, width = self._steps, _BINS / blocks
        start = min(block, blocks - 1) * width
        stop = start + width
        first, last = int(start), int(stop)
        if first == last:
            steps[first] += width
            steps[first + 1] -= width
        else:
            # A part of the first step, all of those between, a part of the last.
            begun, ended = first + 1 - start, stop - last
            steps[first] += begun
            steps[first + 1] += 1 - begun
            steps[last] += ended - 1
            steps[last + 1] -= ended
        self._fresh += 1
        if self._fresh >= _LEARNED_AT_ONCE:
            self._relearn()

    def learned(self) -> tuple[list[float], int]:
        """What was counted, for `relearn` in another life."""
        return self._steps[:], self._counted + self._fresh

    def relearn(self, steps: Sequence[float], counted: int) -> None:
        """Go on from there."""
        self._steps, self._fresh, self._counted = list(steps), 0, counted
        if counted:
            self._relearn()

    def worth(self, block: int, blocks: int) -> float:
        """log2 of the share of a title's requests that one of its blocks gets."""
        if blocks < _BLOCKS_MIN:
            return -log2(blocks)
        level = self._levels[min(block, blocks - 1) * _BINS // blocks]
        return level - self._mean - log2(blocks)

    def _relearn(self) -> None:
        self._counted += self._fresh
        self._fresh = 0
        heights, height = [], 0.0
        for step in self._steps[:_BINS]:
            height += step
            heights.append(height)
        falling = _never_rising(heights)
        top = max(falling[0], 1e-9)
        shares = [max(height / top, _LEAST) for height in falling]
        self._levels = [log2(share) for share in shares]
        self._mean = log2(sum(shares) / _BINS)
        if self._counted >= _REMEMBERED:
            self._counted //= 2
            self._steps = [step / 2 for step in self._steps]


def _never_rising(heights: list[float]) -> list[float]:
    """The nearest curve that never rises: neighbours out of order share their mean."""
    pools: list[tuple[float, int]] = []
    for height in heights:
        total, count = height, 1
        while pools and pools[-1][0] * count <= total * pools[-1][1]:
            before, many = pools.pop()
            total, count = total + before, count + many
        pools.append((total, count))
    return [total / count for total, count in pools for _ in range(count)]

"""Changes that one worker brings about, in the holdings of all workers of its box.

A request with an unsafe method is seen by one worker alone. What an origin's journal says is read
by each for itself, and done when its borrowers have heard of it (`Sharing.passed`).
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from edge.box.neighbours import EVERYTHING, Change, Neighbours
from edge.cache.holdings import Holdings

_TARGET = "target"


class Changes(Protocol):
    """What may change without a viewer's request."""

    def invalidate(self, target: bytes, new_etag: str | None = None) -> None:
        """What a target names has changed, see `Holdings.invalidate`."""

    async def settled(self) -> None:
        """Wait until nobody serves what was before all that was said."""


class ChangesHere:
    """Of a worker that is alone."""

    def __init__(self, holdings: Holdings) -> None:
        self.invalidate = holdings.invalidate

    async def settled(self) -> None:
        """It is."""


class ChangesEverywhere:
    """Of all workers of a box."""

    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours
        self._going_on: set[asyncio.Task[None]] = set()

    def invalidate(self, target: bytes, new_etag: str | None = None) -> None:
        self._make([_TARGET, target.decode("latin-1"), new_etag])

    async def settled(self) -> None:
        if self._going_on:
            await asyncio.wait(self._going_on)

    def _make(self, change: Change) -> None:
        task = self._neighbours.everywhere(change)
        self._going_on.add(task)
        task.add_done_callback(self._going_on.discard)


def make_change(holdings: Holdings, change: Change) -> None:
    """Make in these holdings what one of the workers has heard of."""
    match change:
        case [kind, str(target), new_etag] if kind == _TARGET:
            holdings.invalidate(target.encode("latin-1"), new_etag)
        case [kind] if [kind] == EVERYTHING:
            holdings.distrust()
        case _:
            raise ValueError(f"no such change: {change!r}")

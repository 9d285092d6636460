"""The newest part of the journal in memory, and the wake-up of those who wait for more.

Every edge follows the journal at its tail, so the tail is answered without SQL; who was away for
longer than the tail reaches is sent to the database by `catalog`.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Iterable
from operator import attrgetter

from origin.catalog.records import Change

TAIL_CHANGES = 10_000


class Journal:
    """Changes `(floor, last]`, ascending; `name` tells the journal from every other one."""

    def __init__(
        self,
        tail: Iterable[Change],
        floor: int,
        tail_changes: int = TAIL_CHANGES,
        name: str = "",
    ) -> None:
        self.name = name
        self._tail = list(tail)
        self._floor = floor
        self._tail_changes = tail_changes
        self._more = asyncio.Event()
        self._closed = False

    @property
    def last(self) -> int:
        """Sequence of the newest change; 0 before the first."""
        return self._tail[-1].sequence if self._tail else self._floor

    def append(self, change: Change) -> None:
        """Add the newest change and wake everyone who waits."""
        self._tail.append(change)
        if len(self._tail) > 2 * self._tail_changes:
            self._floor = self._tail[-self._tail_changes - 1].sequence
            del self._tail[: -self._tail_changes]
        self._more.set()
        self._more = asyncio.Event()

    def after(self, sequence: int, limit: int) -> list[Change] | None:
        """Up to `limit` changes that follow `sequence`; None when the tail begins later."""
        if sequence < self._floor:
            return None
        start = bisect_right(self._tail, sequence, key=attrgetter("sequence"))
        return self._tail[start : start + limit]

    async def wait_beyond(self, sequence: int, seconds: float) -> None:
        """Return once there is a change after `sequence`, after `seconds`, or when closed."""
        try:
            async with asyncio.timeout(seconds):
                while self.last <= sequence and not self._closed:
                    await self._more.wait()
        except TimeoutError:
            return

    def close(self) -> None:
        """Let all who wait go, now and from now on: the process is stopping."""
        self._closed = True
        self._more.set()

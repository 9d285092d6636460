"""Answers of upstreams that nobody reads on for now: kept for a while, because a reader may come.

A fill that has come a window further than its readers stops receiving, and TCP makes its upstream
wait. Closing the connection would lose what lies in the sockets between, and an upstream that is an
edge of ours would lose as much again. What nobody is on the way to is given up at once, and so is
the longest parked answer when another request waits for a connection.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from edge.readahead import is_on_the_way

if TYPE_CHECKING:
    from edge.entry import Entry
    from edge.fill import Run

PARKED_SECONDS: Final = 20.0
"""A third of what servers commonly allow for a client that takes nothing."""
UNREAD_SECONDS: Final = 1.0
"""The same while the reader that asked for a new entry is not there yet."""


class Parking:
    """The parked runs of one worker."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._runs: dict[Entry, dict[Run, asyncio.TimerHandle]] = {}

    def park(self, run: Run) -> bool:
        """Keep a run that ends its block here; False when nobody may want the next one."""
        entry, lent = run.entry, run.lent
        block = run.position // entry.block_bytes
        if lent is None or entry.at_hand(block):
            return False
        if entry.was_read and not _is_awaited(entry, block):
            return False
        seconds = PARKED_SECONDS if entry.was_read else UNREAD_SECONDS
        lent.connection.pause()
        lent.pool.spare[lent.connection] = partial(self.give_up, run)
        timer = self._loop.call_later(seconds, self.give_up, run)
        self._runs.setdefault(entry, {})[run] = timer
        return True

    def next_at(self, entry: Entry, block: int) -> Run | None:
        """The parked run that would go on with this block."""
        position = block * entry.block_bytes
        runs = self._runs.get(entry, ())
        return next((run for run in runs if run.position == position), None)

    def forget(self, run: Run) -> bool:
        """The run goes on, or has ended; False when it was not parked."""
        timer = self._runs.get(run.entry, {}).pop(run, None)
        if timer is None:
            return False
        timer.cancel()
        if not self._runs[run.entry]:
            del self._runs[run.entry]
        if run.lent is not None:
            run.lent.pool.spare.pop(run.lent.connection, None)
        return True

    def give_up(self, run: Run) -> None:
        """Close the connection of a parked run."""
        if self.forget(run) and run.lent is not None:
            run.lent.connection.stop()

    def look(self, entry: Entry) -> None:
        """A reader has left: give up what nobody is on the way to."""
        for run in list(self._runs.get(entry, ())):
            if not _is_awaited(entry, run.position // entry.block_bytes):
                self.give_up(run)


def _is_awaited(entry: Entry, block: int) -> bool:
    return any(
        is_on_the_way(block, reader.cursor, reader.stop_block, reader.ahead)
        for reader in entry.readers
    )

"""Blocks of versions that nothing leads to any more: they go a few at a time, in the background.

Taking a film of 10 GB from its viewers is one step; letting ten thousand blocks out of the index
and off the disk is not, and no viewer of another film may wait for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from edge.entry import Entry

AT_ONCE_BLOCKS: Final = 64
"""So many go in one turn of the loop, which takes about a millisecond."""
PAUSE_SECONDS: Final = 0.01


class Departures:
    """`release` lets one block go; `gone` is told when an entry has none left."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        release: Callable[[Entry, int], None],
        gone: Callable[[Entry], None],
    ) -> None:
        self._loop = loop
        self._release = release
        self._gone = gone
        self._waiting: deque[tuple[Entry, Iterator[int]]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, entry: Entry) -> None:
        """Let the blocks of an entry go: few at once, many after those that wait."""
        was_idle = not self._waiting
        self._waiting.append((entry, entry.held_blocks()))
        if was_idle:
            self._step()

    def finish(self) -> None:
        """Let all that wait go now: the disks are about to end."""
        while self._waiting:
            self._go(AT_ONCE_BLOCKS)

    def _step(self) -> None:
        self._go(AT_ONCE_BLOCKS)
        if self._waiting:
            self._loop.call_later(PAUSE_SECONDS, self._step)

    def _go(self, left: int) -> None:
        while self._waiting and left:
            entry, blocks = self._waiting[0]
            went = 0
            for block in islice(blocks, left):
                self._release(entry, block)
                went += 1
            if went < left:
                self._waiting.popleft()
                self._gone(entry)
            left -= went

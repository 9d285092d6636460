"""Reads what is held again, slowly and for ever, and lets go of blocks that have changed on disk.

What was written before an unclean stop is read before it is served; this finds what a disk spoils
while everything runs, or between a clean stop and the next start.
"""

from __future__ import annotations

import asyncio
from typing import Final

from edge.cache.holdings import Holdings
from edge.entry import HELD, Entry

_PAUSE_SECONDS: Final = 60.0
"""Between two rounds: an edge that holds little would go round without end."""


class Scrubbing:
    """Goes over the holdings of a worker, `bytes_per_second` at most; 0 reads nothing."""

    def __init__(self, holdings: Holdings, bytes_per_second: int) -> None:
        self.read_bytes_total = 0
        self._holdings = holdings
        self._bytes_per_second = bytes_per_second

    async def run(self) -> None:
        """Scrub until cancelled, once all that is held is known."""
        await self._holdings.loading.finished()
        while self._bytes_per_second:
            await self.go_round()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def go_round(self) -> None:
        """Read every block that is held now once."""
        for entry in list(self._holdings.entries.values()):
            for block in range(entry.count):
                if entry.replaced:
                    break
                if entry.present[block] == HELD:
                    await self._read(entry, block)

    async def _read(self, entry: Entry, block: int) -> None:
        size = entry.block_size(block)
        reading = asyncio.wrap_future(self._holdings.verify(entry, block))
        try:
            await reading
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._holdings.spoilt(entry, block, error)
        self.read_bytes_total += size
        await asyncio.sleep(size / self._bytes_per_second)

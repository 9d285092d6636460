"""Pins and unpins what an order names; done when a restart would know it.

Every worker of a box hears of an order; the owner of an object alone evicts it and keeps its pins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from edge.cache.holdings import Holdings, Pinned
from edge.entry import name_of
from edge.warming import Wanted


class Pinning:
    """The pins of one worker, whose blocks have `block_bytes`."""

    def __init__(self, holdings: Holdings, block_bytes: int) -> None:
        self._holdings = holdings
        self._block_bytes = block_bytes

    async def pin(self, wanted: Sequence[Wanted]) -> None:
        """Keep these whatever comes, as far as they are held or once they are."""
        await asyncio.wrap_future(self._holdings.pin(self._own(wanted)))

    async def unpin(self, wanted: Sequence[Wanted]) -> None:
        """Let these go like everything else."""
        await asyncio.wrap_future(self._holdings.unpin(self._own(wanted)))

    def _own(self, wanted: Sequence[Wanted]) -> list[Pinned]:
        owner_of = self._holdings.sharing.owner_of
        own = [each for each in wanted if owner_of(name_of(each.target)) is None]
        return [(each.target, 0, self._stop(each)) for each in own]

    def _stop(self, wanted: Wanted) -> int | None:
        stop_bytes = wanted.stop_bytes
        return None if stop_bytes is None else -(-stop_bytes // self._block_bytes)

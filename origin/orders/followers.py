"""Which edges follow the journal at this origin, told to the other origins through the database.

An edge counts as following while one of its questions is being answered; between two of them lie
milliseconds. The moment is written when an edge comes and every few seconds while any is there;
one whose connection has closed is not there, though its question still waits for a change.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from cdnkit.errors import UnavailableError
from origin.catalog.orders import Orders

BEAT_SECONDS: Final = 5.0


class Followers:
    """The edges of this process's journal followers."""

    def __init__(self, orders: Orders, report: Callable[[str], None]) -> None:
        self._orders = orders
        self._report = report
        self._following: dict[object, tuple[str, Callable[[], bool]]] = {}
        self._written: set[str] = set()

    @asynccontextmanager
    async def following(self, edge: str, is_there: Callable[[], bool]) -> AsyncIterator[None]:
        """A question of this edge is answered inside the block."""
        question = object()
        self._following[question] = edge, is_there
        try:
            if edge not in self._written:
                self._written.add(edge)
                await self._write({edge})
            yield
        finally:
            del self._following[question]

    async def run(self) -> None:
        """Write down who follows until cancelled."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await self.beat()

    async def beat(self) -> None:
        """Write down who follows now; who comes later is written when it comes."""
        self._written = {edge for edge, is_there in self._following.values() if is_there()}
        await self._write(self._written)

    async def _write(self, edges: set[str]) -> None:
        try:
            await self._orders.saw(edges)
        except UnavailableError as error:
            self._written -= edges
            self._report(f"who follows the journal is not written down: {error.detail}")

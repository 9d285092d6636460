"""Work on pieces of bytes in another thread, one after the other, while the next ones gather.

Decides how many may wait. One thread takes all that waits in one go, so that neither the loop nor a
slow neighbour holds it up between two pieces.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Final

from origin.store.crc32c import Piece

WAITING_MAX: Final = 4


class Strand:
    """Pieces for one piece of `work`, in order. For the event loop's thread, but for `work`."""

    def __init__(self, pool: Executor | None, work: Callable[[Piece], None]) -> None:
        self._pool = pool
        self._work = work
        self._waiting: deque[Piece] = deque()
        self._running: asyncio.Future[None] | None = None

    async def give(self, piece: Piece) -> None:
        """Have a piece worked on, soon. Raises what the work on an earlier one raised."""
        while len(self._waiting) >= WAITING_MAX:
            await self._turn()
        self._waiting.append(piece)
        self._check()

    async def settle(self) -> None:
        """Wait until everything given is done. Raises what the work raised."""
        while self._waiting or self._running is not None:
            await self._turn()

    async def stop(self) -> None:
        """Forget what waits, and wait for what cannot be interrupted. Never raises."""
        self._waiting.clear()
        if self._running is not None:
            await asyncio.wait([self._running])

    def _check(self) -> None:
        if self._running is not None and self._running.done():
            done, self._running = self._running, None
            done.result()
        if self._running is None and self._waiting:
            loop = asyncio.get_running_loop()
            self._running = loop.run_in_executor(self._pool, self._drain)

    async def _turn(self) -> None:
        self._check()
        if self._running is not None:
            await asyncio.wait([self._running])
            self._check()

    def _drain(self) -> None:
        while self._waiting:
            self._work(self._waiting.popleft())

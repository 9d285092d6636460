"""Work on pieces of bytes in other threads, while the next ones gather.

Decides how many may wait. A thread takes what waits one after the other, so that neither the loop
nor a slow neighbour holds it up between two pieces; after some it lets others have its place.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Final, Generic, TypeVar

WAITING_MAX: Final = 4
PIECES_IN_A_GO: Final = 16
"""How many one thread takes before it goes to the end of the queue for threads."""

Item = TypeVar("Item")


class Strand(Generic[Item]):
    """Pieces for one kind of `work`, taken in order. For the event loop's thread, but for `work`.

    With several `hands` so many are worked on at the same time. `waiting_max` says how many may
    wait now.
    """

    def __init__(
        self,
        pool: Executor | None,
        work: Callable[[Item], None],
        *,
        hands: int = 1,
        waiting_max: Callable[[], int] = lambda: WAITING_MAX,
    ) -> None:
        self._pool = pool
        self._work = work
        self._hands = hands
        self._waiting_max = waiting_max
        self._waiting: deque[Item] = deque()
        self._running: set[asyncio.Future[None]] = set()
        self._failure: BaseException | None = None
        self._room: asyncio.Future[None] | None = None

    async def give(self, item: Item) -> None:
        """Have a piece worked on, soon. Raises what the work on an earlier one raised."""
        self._check()
        while len(self._waiting) >= self._waiting_max():
            await self._wait_for_room()
            self._check()
        self._waiting.append(item)
        self._go_on()

    async def settle(self) -> None:
        """Wait until everything given is done. Raises what the work raised."""
        self._check()
        while self._waiting or self._running:
            self._go_on()
            await asyncio.wait(self._running)
            self._check()

    async def stop(self) -> None:
        """Forget what waits, and wait for what cannot be interrupted. Never raises."""
        self._waiting.clear()
        if self._running:
            await asyncio.wait(self._running)

    async def _wait_for_room(self) -> None:
        """Until half of what waits is gone, so that those who work need not wait for us."""
        self._go_on()
        if self._room is None or self._room.done():
            self._room = asyncio.get_running_loop().create_future()
        await asyncio.wait({self._room, *self._running}, return_when=asyncio.FIRST_COMPLETED)

    def _check(self) -> None:
        for running in [each for each in self._running if each.done()]:
            self._end(running)
        if self._failure is not None:
            raise self._failure

    def _go_on(self) -> None:
        """One hand more, if there is something for it."""
        if self._waiting and len(self._running) < self._hands:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._pool, self._drain, loop)
            self._running.add(running)
            running.add_done_callback(self._end)

    def _end(self, running: asyncio.Future[None]) -> None:
        if running not in self._running:
            return
        self._running.discard(running)
        if not running.cancelled() and running.exception() is not None:
            self._failure = self._failure or running.exception()
        if self._failure is None:
            self._go_on()

    def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(PIECES_IN_A_GO):
            try:
                item = self._waiting.popleft()
            except IndexError:
                return
            room = self._room
            if room is not None and 2 * len(self._waiting) <= self._waiting_max():
                self._room = None
                loop.call_soon_threadsafe(_tell, room)
            self._work(item)
            del item


def _tell(room: asyncio.Future[None]) -> None:
    if not room.done():
        room.set_result(None)

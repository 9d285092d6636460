"""Many small writes in one transaction: whoever asks while one is under way goes with the next.

Nothing is held back to gather more: a lone write is one transaction at once, and under load the
transactions grow by themselves (group commit). A write is answered after its commit and never
before, so what was acknowledged outlives a crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import accumulate
from typing import Final, Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import CinedgeError, UnavailableError
from origin.catalog.database import Database

TOGETHER_MAX: Final = 500
"""Weight of one transaction: some milliseconds, after which others get their turn."""

WAITING_MAX: Final = 20_000
"""Weight of what may wait; beyond it, callers are told to come back."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Together(Generic[_Item, _Result]):
    """Writes of one kind. `write` takes items in the order they came and answers each.

    Limits are counted in items, unless `weigh` says what each of them weighs.
    """

    def __init__(
        self,
        database: Database,
        write: Callable[[AsyncConnection, Sequence[_Item]], Awaitable[Sequence[_Result]]],
        *,
        together_max: int = TOGETHER_MAX,
        waiting_max: int = WAITING_MAX,
        weigh: Callable[[_Item], int] = lambda _: 1,
    ) -> None:
        self._database = database
        self._write = write
        self._together_max = together_max
        self._waiting_max = waiting_max
        self._weigh = weigh
        self._waiting: list[tuple[_Item, asyncio.Future[_Result]]] = []
        self._waiting_weight = 0
        self._working: asyncio.Task[None] | None = None

    async def do(self, item: _Item) -> _Result:
        """The result of one write, once it is committed. Raises UnavailableError.

        A caller that is cancelled no longer hears of it; its write may be done all the same.
        """
        if self._waiting_weight >= self._waiting_max:
            raise UnavailableError("too much is being written", retry_after_seconds=1)
        done: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        self._waiting_weight += self._weigh(item)
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await done

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._write_some(self._take())
        finally:
            self._working = None

    def _take(self) -> list[tuple[_Item, asyncio.Future[_Result]]]:
        """Those who go next: as many as one transaction may have, and at least one."""
        weights = accumulate(self._weigh(item) for item, _ in self._waiting)
        fitting = [weight for weight in weights if weight <= self._together_max]
        count = max(1, len(fitting))
        some = self._waiting[:count]
        del self._waiting[:count]
        self._waiting_weight -= sum(self._weigh(item) for item, _ in some)
        return some

    async def _write_some(self, some: list[tuple[_Item, asyncio.Future[_Result]]]) -> None:
        items = [item for item, _ in some]
        try:
            results = await self._database.transact(lambda each: self._write(each, items))
        except CinedgeError as error:
            _fail(some, error)
        except asyncio.CancelledError:
            _fail(some + self._waiting, UnavailableError("the origin is stopping"))
            raise
        except Exception as error:
            # At the edge of this task; whoever waits has the cause in its own log.
            failure = UnavailableError("what was written together could not be written")
            failure.__cause__ = error
            _fail(some, failure)
        else:
            for (_, done), result in zip(some, results, strict=True):
                if not done.done():
                    done.set_result(result)


def _fail(some: list[tuple[_Item, asyncio.Future[_Result]]], error: CinedgeError) -> None:
    for _, done in some:
        if not done.done():
            done.set_exception(error)

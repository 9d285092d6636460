"""An origin that says yes to an upload when it is in memory, and commits it a while later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.catalog import Catalog
from origin.catalog.database import Database
from tests.faults.planted import swap

STORY = "origin-killed-under-uploads"
LATE_SECONDS = 1.5


def plant() -> None:
    publishes = ContextVar("publishes", default=False)
    begin, publish = Database.begin, Catalog.publish
    order = asyncio.Lock()
    late: set[asyncio.Task[None]] = set()

    async def publish_late(self: Catalog, *args: Any, **more: Any) -> Any:
        publishes.set(True)
        return await publish(self, *args, **more)

    @asynccontextmanager
    async def begin_late(
        self: Database, *, is_lasting: bool = True
    ) -> AsyncIterator[AsyncConnection]:
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[AsyncConnection] = loop.create_future()
        ended: asyncio.Future[None] = loop.create_future()
        late_seconds = LATE_SECONDS if publishes.get() else 0.0

        async def hold() -> None:
            async with order, begin(self, is_lasting=is_lasting) as connection:
                opened.set_result(connection)
                await ended
                await asyncio.sleep(late_seconds)

        task = asyncio.create_task(hold())
        late.add(task)
        task.add_done_callback(late.discard)
        try:
            yield await opened
        except BaseException as error:
            ended.set_exception(error)
            raise
        ended.set_result(None)
        if not late_seconds:
            await task

    swap(Catalog, "publish", publish_late)
    swap(Database, "begin", begin_late)

"""An edge that sends the receipt of a purge and gets to work on it a while later."""

from __future__ import annotations

import asyncio
from typing import Any

from edge import orders, purging
from tests.faults.planted import swap

STORY = "purged-while-it-is-fetched"
LATE_SECONDS = 1.5


def plant() -> None:
    purge = purging.purge
    late: set[asyncio.Task[None]] = set()

    async def purge_late(*args: Any) -> None:
        async def work() -> None:
            await asyncio.sleep(LATE_SECONDS)
            await purge(*args)

        task = asyncio.create_task(work())
        late.add(task)
        task.add_done_callback(late.discard)

    swap(orders, "purge", purge_late)

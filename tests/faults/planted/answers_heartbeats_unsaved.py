"""An origin that answers a heartbeat at once and saves it, with others, a while later."""

from __future__ import annotations

import asyncio
from typing import Any

from origin.domains.history.handlers import History
from tests.faults.planted import swap

STORY = "heartbeats-through-deaths"
LATE_SECONDS = 1.0


def plant() -> None:
    record = History.record
    late: set[asyncio.Task[None]] = set()

    async def record_late(*args: Any) -> None:
        async def work() -> None:
            await asyncio.sleep(LATE_SECONDS)
            await record(*args)

        task = asyncio.create_task(work())
        late.add(task)
        task.add_done_callback(late.discard)

    swap(History, "record", record_late)

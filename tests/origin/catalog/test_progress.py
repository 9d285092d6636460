"""Progress wakes those whose number was passed, and never goes back."""

from __future__ import annotations

import asyncio

from origin.catalog.progress import Progress


async def test_waiters_are_woken_by_what_they_wait_for() -> None:
    progress = Progress(3)
    await progress.wait_beyond(2)
    waiters = [asyncio.create_task(progress.wait_beyond(n)) for n in (3, 4)]
    await asyncio.sleep(0)
    progress.advance(4)
    await asyncio.wait_for(waiters[0], 5)
    assert not waiters[1].done()
    progress.advance(2)
    assert progress.reached == 4
    progress.advance(7)
    await asyncio.wait_for(waiters[1], 5)

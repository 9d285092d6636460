"""Keeps a catalog up with what other processes commit to its database.

Decides only when to look: at once when PostgreSQL wakes us, now and then in any case, because a
notification may be lost and the journal is what is right. Taking in is `Catalog.catch_up`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from cdnkit.errors import UnavailableError
from origin.catalog.catalog import Catalog
from origin.catalog.queries import CHANNEL

LOOK_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 1.0


async def follow(
    catalog: Catalog, report: Callable[[str], None], look_seconds: float = LOOK_SECONDS
) -> None:
    """Follow until cancelled; a database that is away is reported once and awaited."""
    is_away = False
    while True:
        wake = asyncio.Event()
        try:
            async with catalog.database.listening(CHANNEL, wake.set) as is_lost:
                while not is_lost():
                    await catalog.catch_up()
                    is_away = False
                    await _wait(wake, look_seconds)
        except UnavailableError as error:
            if not is_away:
                report(f"changes of other origins are not seen: {error}")
            is_away = True
            await asyncio.sleep(RETRY_SECONDS)


async def _wait(wake: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        return
    wake.clear()

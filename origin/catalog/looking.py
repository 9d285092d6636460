"""Looks at the database again and again, for whoever keeps something in memory in step with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from cdnkit.errors import UnavailableError


async def keep_looking(
    look: Callable[[], Awaitable[None]],
    pause_seconds: float,
    report: Callable[[str], None],
    complaint: str,
) -> None:
    """Look until cancelled; a database that is away is reported once, as `complaint`, and awaited.

    `look` raises UnavailableError while it is.
    """
    is_away = False
    while True:
        try:
            await look()
            is_away = False
        except UnavailableError as error:
            if not is_away:
                report(f"{complaint}: {error.detail}")
            is_away = True
        await asyncio.sleep(pause_seconds)

"""Ends uploads nobody has gone on with, now and then; forgets those that ended long ago."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cdnkit.errors import CinedgeError
from origin.resumable.intake import Intake

INTERVAL_SECONDS = 60.0


async def sweep_uploads(
    intake: Intake, report: Callable[[str], None], interval_seconds: float = INTERVAL_SECONDS
) -> None:
    """Expire uploads until cancelled. Troubles are reported and tried again."""
    while True:
        try:
            while await intake.expire():
                pass
        except (CinedgeError, OSError) as error:
            report(f"sweeping expired uploads failed: {error}")
        await asyncio.sleep(interval_seconds)

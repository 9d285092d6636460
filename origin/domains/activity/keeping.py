"""Events into the log, many in one transaction, and out of it when their time has come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import UnavailableError
from origin.catalog.activity import Event, Outcome, append
from origin.catalog.database import Database
from origin.catalog.together import Together
from origin.domains.activity import queries

EVENTS_TOGETHER_MAX: Final = 2000
EVENTS_WAITING_MAX: Final = 50_000
SWEEP_SECONDS: Final = 3600.0


class Log:
    """Writes what is told, and keeps it for a while."""

    def __init__(
        self,
        database: Database,
        keep_seconds: float,
        report: Callable[[str], None],
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._keep_seconds = keep_seconds
        self._report = report
        self._now = now
        self._writes: Together[Sequence[Event], Sequence[Outcome]] = Together(
            database,
            _append_lots,
            together_max=EVENTS_TOGETHER_MAX,
            waiting_max=EVENTS_WAITING_MAX,
            weigh=len,
        )

    async def write(self, events: Sequence[Event]) -> Sequence[Outcome]:
        """What became of each, once that is committed. Raises UnavailableError."""
        return await self._writes.do(events) if events else ()

    async def run(self) -> None:
        """Remove what is old until cancelled; a database that is away is asked again later."""
        while True:
            try:
                await self.sweep()
            except UnavailableError as error:
                self._report(f"old activity is not removed: {error.detail}")
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> None:
        """Remove what is older than may be kept."""
        before = self._now() - self._keep_seconds
        while await self._database.transact(partial(queries.sweep, before=before)):
            pass


async def _append_lots(
    connection: AsyncConnection, lots: Sequence[Sequence[Event]]
) -> list[Sequence[Outcome]]:
    outcomes = iter(await append(connection, [event for lot in lots for event in lot]))
    return [[next(outcomes) for _ in lot] for lot in lots]

"""Heartbeats: many are kept in one transaction, which tells the log of activity which count."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.activity import append
from origin.catalog.database import Database
from origin.catalog.together import Together
from origin.domains.history import queries
from origin.domains.history.rules import Heartbeat, event_of


class Heartbeats:
    """Keeps them; further apart than `gap_seconds` they belong to two visits."""

    def __init__(self, database: Database, gap_seconds: float) -> None:
        self._gap_seconds = gap_seconds
        self._writes: Together[Heartbeat, None] = Together(database, self._write)

    async def keep(self, heartbeat: Heartbeat) -> None:
        """Returns after the commit. Raises UnavailableError."""
        await self._writes.do(heartbeat)

    async def _write(
        self, connection: AsyncConnection, heartbeats: Sequence[Heartbeat]
    ) -> Sequence[None]:
        counting = await queries.save_heartbeats(connection, heartbeats, self._gap_seconds)
        await append(connection, [event_of(step) for step in counting])
        return [None] * len(heartbeats)

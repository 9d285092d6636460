"""Plays in the log, in the order in which they were told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.tables import activity
from origin.domains.trending.rules import Play

_AT_A_TIME: Final = 1000
"""So few that nobody waits long for the loop."""

# The kind as text and not as a parameter, or the index of plays alone could not be used.
_PLAYS: Final = (
    sa.select(activity.c.profile, activity.c.title, activity.c.region, activity.c.at)
    .where(activity.c.kind == sa.literal_column("'play'"))
    .order_by(activity.c.number)
)


def between(start: float, stop: float) -> sa.Select[str, str, str, float]:
    """Plays that happened in [start, stop)."""
    return _PLAYS.where(activity.c.at >= start, activity.c.at < stop)


async def plays_between(
    connection: AsyncConnection, start: float, stop: float
) -> AsyncIterator[Sequence[Play]]:
    """Those that happened in [start, stop), some at a time."""
    async with connection.stream(between(start, stop)) as rows:
        async for some in rows.partitions(_AT_A_TIME):
            yield _read(some)


async def plays_after(
    connection: AsyncConnection, number: int, newest: int
) -> AsyncIterator[Sequence[Play]]:
    """Those with numbers in (number, newest], some at a time."""
    wanted = _PLAYS.where(activity.c.number > number, activity.c.number <= newest)
    async with connection.stream(wanted) as rows:
        async for some in rows.partitions(_AT_A_TIME):
            yield _read(some)


def _read(rows: Sequence[sa.Row[str, str, str, float]]) -> list[Play]:
    return [Play(*row) for row in rows]

"""What is asked of the log by those it is about, and what goes from it. Rows get in elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.tables import activity, unrecorded

SWEPT_MAX: Final = 5000
"""Rows that go in one transaction: some milliseconds, after which others may write."""


async def list_events(
    connection: AsyncConnection, profile: str, before: int | None, limit: int
) -> Sequence[sa.Row[Any]]:
    """What is kept of a profile, newest first; only what has a smaller number than `before`."""
    statement = sa.select(activity).where(activity.c.profile == profile)
    if before is not None:
        statement = statement.where(activity.c.number < before)
    rows = await connection.execute(statement.order_by(activity.c.number.desc()).limit(limit))
    return rows.all()


async def is_recorded(connection: AsyncConnection, profile: str) -> bool:
    """Whether what a profile does is kept."""
    statement = sa.select(unrecorded.c.profile).where(unrecorded.c.profile == profile)
    return (await connection.execute(statement)).first() is None


async def set_recorded(
    connection: AsyncConnection, account: str, profile: str, *, recorded: bool
) -> None:
    """Keep what a profile does, or not, from now on."""
    if recorded:
        await connection.execute(sa.delete(unrecorded).where(unrecorded.c.profile == profile))
        return
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(unrecorded).values(profile=profile, account=account)
    await connection.execute(statement.on_conflict_do_nothing(index_elements=["profile"]))


async def forget(connection: AsyncConnection, profile: str) -> None:
    """Remove what a profile did."""
    await connection.execute(sa.delete(activity).where(activity.c.profile == profile))


async def erase_profile(connection: AsyncConnection, profile: str) -> None:
    """Remove what a profile did, and what it wished of the log."""
    await forget(connection, profile)
    await connection.execute(sa.delete(unrecorded).where(unrecorded.c.profile == profile))


async def erase(connection: AsyncConnection, account: str) -> None:
    """Remove everything of an account."""
    for table in (activity, unrecorded):
        await connection.execute(sa.delete(table).where(table.c.account == account))


async def export(connection: AsyncConnection, account: str) -> Mapping[str, Any]:
    """Everything of an account, as it is kept."""
    rows = await connection.execute(
        sa.select(activity).where(activity.c.account == account).order_by(activity.c.number)
    )
    silent = await connection.execute(
        sa.select(unrecorded.c.profile).where(unrecorded.c.account == account).order_by("profile")
    )
    return {
        "events": [dict(row._mapping) for row in rows],
        "unrecorded_profiles": list(silent.scalars()),
    }


async def sweep(connection: AsyncConnection, before: float, limit: int = SWEPT_MAX) -> int:
    """Remove some of what happened before a time; how many."""
    old = sa.select(activity.c.number).where(activity.c.at < before).limit(limit)
    done = await connection.execute(
        sa.delete(activity).where(activity.c.number.in_(old.scalar_subquery()))
    )
    return done.rowcount

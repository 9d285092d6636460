"""Rows of positions: the table, and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.tables import metadata
from origin.domains.history.rules import Heartbeat, Position, Step, steps

positions = sa.Table(
    "positions",
    metadata,
    sa.Column("profile", sa.Text, primary_key=True),
    sa.Column("title_id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("counter", sa.BigInteger, nullable=False),
    sa.Column("position_seconds", sa.Double, nullable=False),
    sa.Column("duration_seconds", sa.Double, nullable=False),
    sa.Column("hidden", sa.Boolean, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Index("ix_positions_profile_at", "profile", "at"),
    sa.Index("ix_positions_account", "account"),
)


async def save_heartbeats(
    connection: AsyncConnection, heartbeats: Sequence[Heartbeat], gap_seconds: float
) -> Sequence[Step]:
    """Move each position forward to its newest heartbeat; those that count.

    Older ones change nothing. What was watched since a heartbeat more than `gap_seconds` ago counts
    as that long.
    """
    keys = {(each.profile, each.title_id) for each in heartbeats}
    counting = steps(heartbeats, await _lock_positions(connection, sorted(keys)), gap_seconds)
    newest = {(each.heartbeat.profile, each.heartbeat.title_id): each for each in counting}
    if newest:
        # In one order, so that processes that write the same rows wait for each other and no more.
        await _save_newest(connection, [newest[key].heartbeat for key in sorted(newest)])
    return counting


async def _lock_positions(
    connection: AsyncConnection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Position]:
    """Where those profiles stopped in those titles; nobody else moves them until the commit."""
    columns = [positions.c[name] for name in Position.__slots__]
    rows = await connection.execute(
        sa.select(positions.c.profile, *columns)
        .where(sa.tuple_(positions.c.profile, positions.c.title_id).in_(keys))
        .order_by(positions.c.profile, positions.c.title_id)
        .with_for_update()
    )
    return {(row.profile, row.title_id): Position(*row[1:]) for row in rows}


async def _save_newest(connection: AsyncConnection, newest: Sequence[Heartbeat]) -> None:
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(positions)
    given = statement.excluded
    moved = {name: given[name] for name in ("counter", "position_seconds", "duration_seconds")}
    statement = statement.on_conflict_do_update(
        index_elements=["profile", "title_id"],
        # Who watches on wants to see it again in the row of films to go on with.
        set_={**moved, "at": given.at, "hidden": False},
        # A first heartbeat has no row to lock: another process may have just made it.
        where=given.counter > positions.c.counter,
    )
    kept = [name for name in Heartbeat.__slots__ if name in positions.c]
    rows = [{name: getattr(each, name) for name in kept} | {"hidden": False} for each in newest]
    await connection.execute(statement, rows)


async def find_position(
    connection: AsyncConnection, profile: str, title_id: str
) -> Position | None:
    """Where a profile stopped in a title."""
    row = (await connection.execute(_of(profile).where(positions.c.title_id == title_id))).first()
    return None if row is None else _read(row)


async def list_positions(
    connection: AsyncConnection, profile: str, before: float | None, limit: int
) -> list[Position]:
    """What a profile watched, newest first; only what is older than `before`."""
    statement = _of(profile).order_by(positions.c.at.desc(), positions.c.title_id).limit(limit)
    if before is not None:
        statement = statement.where(positions.c.at < before)
    return [_read(row) for row in await connection.execute(statement)]


async def hide_title(connection: AsyncConnection, profile: str, title_id: str) -> bool:
    """Leave a title out of what can be gone on with; False when it was never watched."""
    done = await connection.execute(
        sa.update(positions)
        .where(positions.c.profile == profile, positions.c.title_id == title_id)
        .values(hidden=True)
    )
    return done.rowcount == 1


async def forget(connection: AsyncConnection, profile: str, title_id: str | None = None) -> int:
    """Remove one title of a profile's history, or all; how many."""
    statement = sa.delete(positions).where(positions.c.profile == profile)
    if title_id is not None:
        statement = statement.where(positions.c.title_id == title_id)
    return (await connection.execute(statement)).rowcount


async def erase(connection: AsyncConnection, account: str) -> None:
    """Remove everything of an account."""
    await connection.execute(sa.delete(positions).where(positions.c.account == account))


async def export(connection: AsyncConnection, account: str) -> list[Mapping[str, Any]]:
    """Everything of an account, as it is kept."""
    rows = await connection.execute(
        sa.select(positions)
        .where(positions.c.account == account)
        .order_by(positions.c.profile, positions.c.title_id)
    )
    return [dict(row._mapping) for row in rows]


def _of(profile: str) -> sa.Select[Any]:
    columns = [positions.c[name] for name in Position.__slots__]
    return sa.select(*columns).where(positions.c.profile == profile)


def _read(row: sa.Row[Any]) -> Position:
    return Position(**row._mapping)

"""Rows of leases: streams under way, counted so that two at once never pass a limit of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.activity import Kind, append
from origin.catalog.tables import metadata
from origin.domains.playback.rules import Lease, event_of

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("title_id", sa.Text, nullable=False),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("duration_seconds", sa.Double, nullable=False),
    sa.Column("started_at", sa.Double, nullable=False),
    sa.Column("seen_at", sa.Double, nullable=False),
    sa.Column("region", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_leases_account", "account"),
)

_ALL: Final = sa.select(leases).order_by(leases.c.started_at, leases.c.id)


async def lock_account(connection: AsyncConnection, account: str) -> None:
    """Let nobody else count or add leases of an account until the transaction ends.

    SQLite has one writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        key = sa.func.hashtextextended(account, sa.literal(0))
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


async def drop_stale(connection: AsyncConnection, account: str, before: float) -> None:
    """Free the leases of an account that nobody has heard of since `before`."""
    await connection.execute(
        sa.delete(leases).where(leases.c.account == account, leases.c.seen_at < before)
    )


async def of_account(connection: AsyncConnection, account: str, since: float) -> list[Lease]:
    """The streams of an account that were heard of since a time, oldest first."""
    rows = await connection.execute(
        _ALL.where(leases.c.account == account, leases.c.seen_at >= since)
    )
    return [_read(row) for row in rows]


async def add(connection: AsyncConnection, lease: Lease) -> None:
    """Begin a stream."""
    await connection.execute(sa.insert(leases).values(asdict(lease)))


async def log_beginning(connection: AsyncConnection, lease: Lease, position: float) -> None:
    """Tell the log of activity that a stream begins; others who tell it wait for our commit."""
    await append(connection, [event_of(lease, Kind.PLAY, position, lease.started_at)])


async def log_end(connection: AsyncConnection, lease: Lease, position: float, now: float) -> None:
    """Tell it that a stream ends."""
    await append(connection, [event_of(lease, Kind.STOP, position, now)])


async def find(connection: AsyncConnection, lease_id: str, account: str) -> Lease | None:
    """A stream of an account."""
    rows = await connection.execute(
        _ALL.where(leases.c.id == lease_id, leases.c.account == account)
    )
    row = rows.first()
    return None if row is None else _read(row)


async def touch(connection: AsyncConnection, heard: Sequence[tuple[str, float]]) -> list[bool]:
    """Keep streams alive, each heard of at a time; False for those that are there no more."""
    latest = dict(sorted(heard, key=lambda each: each[1]))
    alive = set()
    for lease_id in sorted(latest):
        done = await connection.execute(
            sa.update(leases).where(leases.c.id == lease_id).values(seen_at=latest[lease_id])
        )
        alive |= {lease_id} if done.rowcount == 1 else set()
    return [lease_id in alive for lease_id, _ in heard]


async def end(connection: AsyncConnection, lease_id: str, account: str) -> bool:
    """Give a stream back; False when it is there no more."""
    done = await connection.execute(
        sa.delete(leases).where(leases.c.id == lease_id, leases.c.account == account)
    )
    return done.rowcount == 1


async def export(connection: AsyncConnection, account: str) -> list[dict[str, Any]]:
    """Everything of an account, as it is kept."""
    return [asdict(each) for each in await of_account(connection, account, 0.0)]


async def erase(connection: AsyncConnection, account: str) -> None:
    """Remove everything of an account."""
    await connection.execute(sa.delete(leases).where(leases.c.account == account))


async def erase_profile(connection: AsyncConnection, profile: str) -> None:
    """End the streams of a profile."""
    await connection.execute(sa.delete(leases).where(leases.c.profile == profile))


def _read(row: sa.Row[Any]) -> Lease:
    return Lease(**row._mapping)

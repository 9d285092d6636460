"""Events that people may want to hear of, written in the transaction that makes them true.

Whoever changes a row posts what follows from it here; the notifications of the film service take
events in their order and bring each to inbox, mail and devices. An event has a key: posted twice,
it is told once. Portable between SQLite and PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.tables import outbox


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an account, or to one of its profiles.

    `kind` is a name with dots ("account.verify", "payment.failed"); `payload` is what a message is
    worded from and holds no secret but a link that was asked for.
    """

    key: str
    kind: str
    account: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """An event with its place in the outbox and the time it was posted."""

    number: int
    at: float
    event: Event


async def post(connection: AsyncConnection, event: Event, now: float) -> bool:
    """Post an event; False when its key was posted before."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(outbox).values(
        at=now,
        key=event.key,
        kind=event.kind,
        account=event.account,
        profile=event.profile,
        payload=dict(event.payload),
    )
    done = await connection.execute(statement.on_conflict_do_nothing(index_elements=["key"]))
    return bool(done.rowcount == 1)


async def waiting(connection: AsyncConnection, limit: int) -> Sequence[Posted]:
    """The oldest events that were not taken yet, oldest first."""
    rows = await connection.execute(
        sa.select(outbox).where(outbox.c.taken_at.is_(None)).order_by(outbox.c.number).limit(limit)
    )
    return [_read(row) for row in rows]


async def take(connection: AsyncConnection, number: int, now: float) -> bool:
    """Mark an event as taken; False when somebody else has taken it."""
    done = await connection.execute(
        sa.update(outbox)
        .where(outbox.c.number == number, outbox.c.taken_at.is_(None))
        .values(taken_at=now)
    )
    return bool(done.rowcount == 1)


async def forget_taken(connection: AsyncConnection, before: float) -> int:
    """Remove events taken before a time; how many. Their keys may then be posted again."""
    done = await connection.execute(sa.delete(outbox).where(outbox.c.taken_at < before))
    return done.rowcount


def _read(row: sa.Row[Any]) -> Posted:
    event = Event(row.key, row.kind, row.account, row.payload, row.profile)
    return Posted(row.number, row.at, event)

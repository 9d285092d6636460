"""The log of what viewers did: how events get into it, and in which order they are read.

Whoever sees something happen appends it in the transaction that makes it true, or in one of its
own. An event has a name: appended twice, it is kept once. `number` is safe to cut by: a reader that
has seen N never meets a smaller number later, because who appends keeps others waiting until the
commit. Portable between SQLite and PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.tables import activity, unrecorded

_LOCK: Final = 0x61637469766974
"""Any number that nothing else in the database locks ("activit")."""


class Kind(StrEnum):
    """What somebody did."""

    PLAY = "play"
    HEARTBEAT = "heartbeat"
    STOP = "stop"
    SEARCH = "search"
    RATE = "rate"
    LIST = "list"


class Outcome(StrEnum):
    """What became of an event that was appended."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    UNRECORDED = "unrecorded"
    """Its profile wants nothing kept."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a profile did, under a name that no other event has.

    `at` is in epoch seconds. `region` is a country of two capital letters, or empty when nobody
    knows it; `title` is empty for searches. `watched_seconds` passed since the heartbeat before.
    `value` is a rating from 0.5 to 5, or for a list 1 when the title was added and 0 when removed.
    """

    event: str
    kind: Kind
    at: float
    account: str
    profile: str
    title: str = ""
    region: str = ""
    position_seconds: float = 0.0
    watched_seconds: float = 0.0
    value: float = 0.0
    words: str = ""


def event_name(profile: str, name: str) -> str:
    """What an event is called in the log that its profile calls `name`."""
    return f"{profile}:{name}"


async def append(connection: AsyncConnection, events: Sequence[Event]) -> list[Outcome]:
    """Write events, in their order, and say of each what became of it.

    Others who append wait until the transaction ends: do it last.
    """
    if not events:
        return []
    await _lock(connection)
    silent = await _unrecorded_of(connection, {each.profile for each in events})
    rows: dict[str, dict[str, object]] = {}
    for each in events:
        if each.profile not in silent and each.event not in rows:
            rows[each.event] = {name: getattr(each, name) for name in Event.__slots__}
    new = await _insert(connection, list(rows.values())) if rows else set()
    return list(_outcomes(events, silent, new))


async def newest_number(connection: AsyncConnection) -> int:
    """The number of the last event; 0 before the first."""
    found = await connection.execute(sa.select(sa.func.max(activity.c.number)))
    return int(found.scalar_one() or 0)


async def _lock(connection: AsyncConnection) -> None:
    # Numbers are given out before the commit: without it a smaller one could appear later. SQLite
    # has one writer at a time anyway.
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


async def _unrecorded_of(
    connection: AsyncConnection, profiles: AbstractSet[str]
) -> AbstractSet[str]:
    statement = sa.select(unrecorded.c.profile).where(unrecorded.c.profile.in_(sorted(profiles)))
    return set((await connection.execute(statement)).scalars())


async def _insert(connection: AsyncConnection, rows: Sequence[dict[str, object]]) -> set[str]:
    """Write rows of different names; the names of those that are new."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(activity).on_conflict_do_nothing(index_elements=["event"])
    done = await connection.execute(statement.returning(activity.c.event), rows)
    return set(done.scalars())


def _outcomes(
    events: Sequence[Event], silent: AbstractSet[str], new: set[str]
) -> Iterator[Outcome]:
    """Of events with one name, the first is the one that was kept."""
    for each in events:
        if each.profile in silent:
            yield Outcome.UNRECORDED
        elif each.event in new:
            new.discard(each.event)
            yield Outcome.ACCEPTED
        else:
            yield Outcome.DUPLICATE

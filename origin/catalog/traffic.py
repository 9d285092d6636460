"""Bytes of titles by day, edge and kind: rows that only grow, until they are too old.

What edges report comes in lots, which each life of a worker numbers and sends one after another.
The number of the last is written in the transaction that adds its bytes, so a lot that is sent
again changes nothing. Lives are forgotten LOTS_KEPT_SECONDS after their last lot: an edge that has
waited longer for an answer would be counted twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.wire import Traffic
from origin.catalog.database import Database
from origin.catalog.tables import traffic, traffic_lots

LOTS_KEPT_SECONDS: Final = 30 * 86400.0
_AT_ONCE: Final = 500
_KEY: Final = ("day", "title", "edge", "kind")


@dataclass(frozen=True, slots=True)
class TrafficRow:
    """`size_bytes` more of a kind on a day (YYYY-MM-DD, UTC); no title: of nobody's film."""

    day: str
    title: str
    kind: Traffic
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Summed:
    """Bytes of a kind for one title, edge or day, of edges that share their prices."""

    key: str
    group: str
    kind: Traffic
    size_bytes: int


async def take_lot(
    database: Database, life: str, number: int, edge: str, rows: Sequence[TrafficRow], now: float
) -> bool:
    """Add a lot of a worker's life; False when it, or one behind it, was there before.

    Raises UnavailableError.
    """

    async def work(connection: AsyncConnection) -> bool:
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        last = insert(traffic_lots).values(life=life, number=number, at=now)
        last = last.on_conflict_do_update(
            index_elements=("life",),
            set_={"number": last.excluded.number, "at": last.excluded.at},
            where=traffic_lots.c.number < last.excluded.number,
        )
        if (await connection.execute(last.returning(traffic_lots.c.life))).first() is None:
            return False
        # In one order everywhere: two lots that meet in PostgreSQL would wait for each other.
        added: dict[tuple[str, str, str], int] = {}
        for row in rows:
            key = (row.day, row.title, row.kind.value)
            added[key] = added.get(key, 0) + row.size_bytes
        values = [
            {"day": day, "title": title, "edge": edge, "kind": kind, "bytes": size_bytes}
            for (day, title, kind), size_bytes in sorted(added.items())
        ]
        for start in range(0, len(values), _AT_ONCE):
            statement = insert(traffic).values(values[start : start + _AT_ONCE])
            more = {"bytes": traffic.c.bytes + statement.excluded.bytes}
            statement = statement.on_conflict_do_update(index_elements=_KEY, set_=more)
            await connection.execute(statement)
        return True

    return await database.transact(work)


async def forget(database: Database, before_day: str, now: float) -> None:
    """Delete days before `before_day`, and lives of workers that send nothing any more.

    A day at a time: a year would keep all other writers waiting. Raises UnavailableError.
    """

    async def oldest_day(connection: AsyncConnection) -> bool:
        oldest = await connection.scalar(sa.select(sa.func.min(traffic.c.day)))
        if oldest is None or oldest >= before_day:
            return False
        await connection.execute(sa.delete(traffic).where(traffic.c.day == oldest))
        return True

    async def lives(connection: AsyncConnection) -> None:
        old = traffic_lots.c.at < now - LOTS_KEPT_SECONDS
        await connection.execute(sa.delete(traffic_lots).where(old))

    while await database.transact(oldest_day):
        pass
    await database.transact(lives)


async def sums(
    database: Database, first: str, last: str, by: str, groups: Mapping[str, str]
) -> list[Summed]:
    """Bytes of the days `first` to `last`, the last included, by "title", "edge" or "day".

    `groups` names the group of edges that have one; all others are in the group "". Raises
    UnavailableError.
    """
    key = traffic.c[by]
    group: sa.ColumnElement[Any] = sa.literal("")
    if groups:
        members: dict[str, list[str]] = {}
        for edge, name in groups.items():
            members.setdefault(name, []).append(edge)
        cases = [(traffic.c.edge.in_(edges), name) for name, edges in members.items()]
        group = sa.case(*cases, else_="")
    inner = (
        sa.select(
            key.label("key"),
            group.label("grouped"),
            traffic.c.kind.label("kind"),
            traffic.c.bytes.label("bytes"),
        )
        .where(traffic.c.day.between(first, last))
        .subquery()
    )
    columns = (inner.c.key, inner.c.grouped, inner.c.kind)
    statement = sa.select(*columns, sa.func.sum(inner.c.bytes)).group_by(*columns)
    async with database.reading() as connection:
        rows = (await connection.execute(statement)).all()
    # Rows of many titles would hold up the loop.
    return await asyncio.to_thread(_summed, rows)


def _summed(rows: Iterable[Sequence[Any]]) -> list[Summed]:
    return [Summed(row[0], row[1], Traffic(row[2]), int(row[3])) for row in rows]

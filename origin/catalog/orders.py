"""Orders to the edges, what the edges say of them, and which edges there are: rows.

An order is written in the transaction of its journal entry, so whoever follows the journal finds
it. Receipts come once for each worker of an edge and are final once done; repeating one changes
nothing. What the rows mean together is for `origin.orders`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.wire import ChangeKind, ReceiptState
from origin.catalog.catalog import Catalog
from origin.catalog.records import Change
from origin.catalog.tables import followers, orders, receipts

T = TypeVar("T")

KEPT_SECONDS: Final = 30 * 86400.0
"""How long an order can be asked for."""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order; `edges` are those expected to answer."""

    id: str
    kind: ChangeKind
    sequence: int
    at: float
    made_by: str
    asked: Mapping[str, Any]
    edges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """What one worker of an edge said last of an order."""

    order_id: str
    edge: str
    worker: int
    workers: int
    state: ReceiptState
    at: float
    progress: Mapping[str, Any]


class Orders:
    """The rows. Every call raises UnavailableError when the database does not answer."""

    def __init__(self, catalog: Catalog, now: Callable[[], float]) -> None:
        self._catalog = catalog
        self._now = now

    async def add(
        self,
        order_id: str,
        kind: ChangeKind,
        made_by: str,
        asked: Mapping[str, Any],
        detail: Mapping[str, Any],
        edges: Sequence[str],
    ) -> OrderRow:
        """Give an order: its row and its journal entry."""

        async def also(connection: AsyncConnection, change: Change) -> None:
            await _forget_old(connection, change.at - KEPT_SECONDS)
            values = {
                "id": order_id,
                "kind": kind.value,
                "sequence": change.sequence,
                "at": change.at,
                "made_by": made_by,
                "asked": dict(asked),
                "edges": list(edges),
            }
            await connection.execute(sa.insert(orders).values(values))

        change = await self._catalog.announce(kind, {"order": order_id, **detail}, also)
        return OrderRow(order_id, kind, change.sequence, change.at, made_by, asked, tuple(edges))

    async def find(self, order_id: str, kinds: Collection[ChangeKind]) -> OrderRow | None:
        """The order of this id, when it is of one of the kinds."""
        wanted = sa.select(orders).where(orders.c.id == order_id, _is_of(kinds))
        found = await self._select(wanted)
        return found[0] if found else None

    async def page(self, kinds: Collection[ChangeKind], before: int, limit: int) -> list[OrderRow]:
        """Orders of these kinds with sequences below `before`, the newest first."""
        wanted = (
            sa.select(orders)
            .where(orders.c.sequence < before, _is_of(kinds))
            .order_by(orders.c.sequence.desc())
            .limit(limit)
        )
        return await self._select(wanted)

    async def receipts_of(self, order_ids: Sequence[str]) -> list[ReceiptRow]:
        """What was said of these orders."""
        wanted = sa.select(receipts).where(receipts.c.order_id.in_(order_ids))

        async def work(connection: AsyncConnection) -> list[ReceiptRow]:
            rows = await connection.execute(wanted)
            return [
                ReceiptRow(
                    order_id=row.order_id,
                    edge=row.edge,
                    worker=row.worker,
                    workers=row.workers,
                    state=ReceiptState(row.state),
                    at=row.at,
                    progress=row.progress,
                )
                for row in rows
            ]

        return await self._catalog.database.transact(work)

    async def take(self, said: Sequence[ReceiptRow]) -> None:
        """Keep what workers say; of orders that are not known nothing is kept."""

        async def work(connection: AsyncConnection) -> None:
            ids = {row.order_id for row in said}
            known = set(
                await connection.scalars(sa.select(orders.c.id).where(orders.c.id.in_(ids)))
            )
            for row in said:
                if row.order_id in known:
                    await _save_receipt(connection, row)

        await self._catalog.database.transact(work)

    async def saw(self, edges: Collection[str]) -> None:
        """These edges follow the journal now."""
        now = self._now()

        async def work(connection: AsyncConnection) -> None:
            for edge in sorted(edges):
                statement = _insert(connection, followers).values(edge=edge, seen_at=now)
                newer = {"seen_at": now}
                await connection.execute(
                    statement.on_conflict_do_update(index_elements=["edge"], set_=newer)
                )

        if edges:
            await self._catalog.database.transact(work)

    async def seen(self, since: float) -> dict[str, float]:
        """Edges that followed at or after `since`, with the moment they were last seen."""
        wanted = sa.select(followers).where(followers.c.seen_at >= since)

        async def work(connection: AsyncConnection) -> dict[str, float]:
            return {row.edge: row.seen_at for row in await connection.execute(wanted)}

        return await self._catalog.database.transact(work)

    async def _select(self, statement: sa.Select[Any]) -> list[OrderRow]:
        async def work(connection: AsyncConnection) -> list[OrderRow]:
            rows = await connection.execute(statement)
            return [
                OrderRow(
                    id=row.id,
                    kind=ChangeKind(row.kind),
                    sequence=row.sequence,
                    at=row.at,
                    made_by=row.made_by,
                    asked=row.asked,
                    edges=tuple(row.edges),
                )
                for row in rows
            ]

        return await self._catalog.database.transact(work)


def _is_of(kinds: Collection[ChangeKind]) -> sa.ColumnElement[bool]:
    return orders.c.kind.in_([kind.value for kind in kinds])


def _insert(connection: AsyncConnection, table: sa.Table) -> Any:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return insert(table)


async def _save_receipt(connection: AsyncConnection, row: ReceiptRow) -> None:
    values = {name: getattr(row, name) for name in ReceiptRow.__dataclass_fields__}
    values |= {"state": row.state.value, "progress": dict(row.progress)}
    newer = {name: values[name] for name in ("workers", "state", "at", "progress")}
    statement = _insert(connection, receipts).values(values)
    # The first word that it is done counts: a repetition must not move its time.
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["order_id", "edge", "worker"],
            set_=newer,
            where=receipts.c.state != ReceiptState.DONE.value,
        )
    )


async def _forget_old(connection: AsyncConnection, before: float) -> None:
    old = sa.select(orders.c.id).where(orders.c.at < before)
    await connection.execute(sa.delete(receipts).where(receipts.c.order_id.in_(old)))
    await connection.execute(sa.delete(orders).where(orders.c.at < before))

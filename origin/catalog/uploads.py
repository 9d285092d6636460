"""Rows of resumable uploads: what of each is durable, who may write it now, and how it ended.

Statements and transactions only; what may happen to an upload is `origin.ingest.session`. A row's
`epoch` grows whenever a writer takes it over, and a save names the epoch it was taken with: so a
writer of this process or another that was overtaken finds its save refused and stops.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog import queries
from origin.catalog.database import Database
from origin.catalog.tables import upload_batches, uploads
from origin.ingest.session import ACTIVE, UploadState
from origin.store.resumable import Identity, PartState

T = TypeVar("T")

_ACTIVE: Final = [state.value for state in ACTIVE]
_GROWING: Final = [UploadState.OPENED.value, UploadState.RECEIVING.value]


@dataclass(frozen=True, slots=True)
class UploadRow:
    """One upload resource.

    Bytes `[start_bytes, offset_bytes)` of the object are durable. `parts` are the ids that a final
    upload joins; `fields` are the request fields that count when it is published.
    """

    id: str
    owner: str
    kind: str
    state: str
    key: str
    object_id: str
    generation: int
    batch: str
    extent_bytes: int
    start_bytes: int
    offset_bytes: int
    length_bytes: int | None
    crc32c: Sequence[int]
    metadata: str
    content_type: str
    fields: Mapping[str, str]
    parts: Sequence[str]
    joined_into: str
    epoch: int
    outcome: Mapping[str, Any]
    created_at: float
    expires_at: float

    @property
    def upload_state(self) -> UploadState:
        """Where it stands."""
        return UploadState(self.state)

    @property
    def identity(self) -> Identity:
        """Whose bytes it brings."""
        return self.object_id, self.generation

    @property
    def received_bytes(self) -> int:
        """How many bytes of this upload are durable: the offset that clients are told."""
        return self.offset_bytes - self.start_bytes

    @property
    def part(self) -> PartState:
        """What the store goes on with."""
        return PartState(self.extent_bytes, self.start_bytes, self.offset_bytes, tuple(self.crc32c))

    @property
    def is_complete(self) -> bool:
        """Whether every byte is here."""
        return self.upload_state not in (UploadState.OPENED, UploadState.RECEIVING)


@dataclass(frozen=True, slots=True)
class Usage:
    """What unfinished uploads of one owner take."""

    uploads: int
    size_bytes: int


_NAMES: Final = tuple(UploadRow.__dataclass_fields__)
_COLUMNS: Final = tuple(uploads.c[name] for name in _NAMES)


class _TakenError(Exception):
    """Rolls a join back."""


class UploadRows:
    """The uploads of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # SQLite has one writer; waiting here is fair and wakes at once, its own waiting sleeps.
        is_sqlite = database.dialect == "sqlite"
        self._order: AbstractAsyncContextManager[object] = (
            asyncio.Lock() if is_sqlite else nullcontext()
        )
        self._under_way: set[asyncio.Task[Any]] = set()

    async def usage(self, owner: str) -> Usage:
        """What the unfinished uploads of an owner take. Raises UnavailableError, as all do."""
        size = sa.func.coalesce(uploads.c.length_bytes, uploads.c.offset_bytes)
        statement = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(size), 0)).where(
            uploads.c.owner == owner, uploads.c.state.in_(_ACTIVE)
        )

        async def work(connection: AsyncConnection) -> Usage:
            count, size_bytes = (await connection.execute(statement)).one()
            return Usage(int(count), int(size_bytes))

        return await self._read(work)

    async def add(self, row: UploadRow) -> UploadRow:
        """Insert a row; its generation is given now, the same to all of one batch."""

        async def work(connection: AsyncConnection) -> UploadRow:
            numbered = await _numbered(connection, row)
            await connection.execute(sa.insert(uploads).values(_values(numbered)))
            return numbered

        return await self._transact(work)

    async def find(self, upload_id: str) -> UploadRow | None:
        """The row, as it stands."""
        return await self._read(lambda connection: _find(connection, upload_id))

    async def find_all(self, ids: Sequence[str]) -> list[UploadRow]:
        """Those of the rows that exist, in the order of `ids`."""
        if not ids:
            return []
        found = await self._select(sa.select(*_COLUMNS).where(uploads.c.id.in_(ids)))
        by_id = {row.id: row for row in found}
        return [by_id[each] for each in ids if each in by_id]

    async def take(self, upload_id: str) -> UploadRow | None:
        """The row, with whoever brought bytes until now overtaken; finishing is not disturbed."""
        statement = (
            sa.update(uploads)
            .where(uploads.c.id == upload_id, uploads.c.state.in_(_GROWING))
            .values(epoch=uploads.c.epoch + 1)
            .returning(*_COLUMNS)
        )

        async def work(connection: AsyncConnection) -> UploadRow | None:
            row = (await connection.execute(statement)).one_or_none()
            return await _find(connection, upload_id) if row is None else UploadRow(*row)

        # After a power cut there is nobody left to be overtaken.
        return await self._transact(work, is_lasting=False)

    async def save(self, row: UploadRow) -> bool:
        """Write what changed, unless the writer was overtaken; then False."""
        return await self._transact(lambda connection: save(connection, row))

    async def join(self, final: UploadRow) -> UploadRow | None:
        """Insert a final upload and mark its parts; None when one was joined meanwhile."""
        received = UploadState.RECEIVED.value
        statement = (
            sa.update(uploads)
            .where(uploads.c.id.in_(final.parts), uploads.c.state == received)
            .values(state=UploadState.JOINED.value, joined_into=final.id)
        )

        async def work(connection: AsyncConnection) -> UploadRow:
            if (await connection.execute(statement)).rowcount != len(final.parts):
                raise _TakenError
            numbered = await _numbered(connection, final)
            await connection.execute(sa.insert(uploads).values(_values(numbered)))
            return numbered

        try:
            return await self._transact(work)
        except _TakenError:
            return None

    async def of_owner(self, owner: str, after: str, limit: int) -> list[UploadRow]:
        """Up to `limit` uploads of an owner, in the order of their ids."""
        statement = (
            sa.select(*_COLUMNS)
            .where(uploads.c.owner == owner, uploads.c.id > after)
            .order_by(uploads.c.id)
            .limit(limit)
        )
        return await self._select(statement)

    async def holding_bytes(self) -> list[UploadRow]:
        """Every upload whose bytes are kept for it: unfinished, finished or joined."""
        held = [*_ACTIVE, UploadState.JOINED.value]
        return await self._select(sa.select(*_COLUMNS).where(uploads.c.state.in_(held)))

    async def due(self, now: float, limit: int = 100) -> list[UploadRow]:
        """Uploads whose time has come, the earliest first."""
        statement = (
            sa.select(*_COLUMNS)
            .where(uploads.c.expires_at <= now)
            .order_by(uploads.c.expires_at)
            .limit(limit)
        )
        return await self._select(statement)

    async def drop(self, row: UploadRow) -> None:
        """Forget an upload, and its batch with the last of it."""
        others = sa.select(uploads.c.id).where(uploads.c.batch == row.batch).limit(1)

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(sa.delete(uploads).where(uploads.c.id == row.id))
            if row.batch and (await connection.execute(others)).first() is None:
                forget = sa.delete(upload_batches).where(upload_batches.c.id == row.batch)
                await connection.execute(forget)

        await self._transact(work)

    async def close(self) -> None:
        """Wait for transactions under way."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _select(self, statement: sa.Select[Any]) -> list[UploadRow]:
        async def work(connection: AsyncConnection) -> list[UploadRow]:
            return [UploadRow(*row) for row in await connection.execute(statement)]

        return await self._read(work)

    async def _read(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        async def read() -> T:
            async with self._database.reading() as connection:
                return await work(connection)

        return await self._to_its_end(read())

    async def _transact(
        self, work: Callable[[AsyncConnection], Awaitable[T]], *, is_lasting: bool = True
    ) -> T:
        async def transact() -> T:
            async with self._order, self._database.begin(is_lasting=is_lasting) as connection:
                return await work(connection)

        return await self._to_its_end(transact())

    async def _to_its_end(self, transaction: Coroutine[Any, Any, T]) -> T:
        """A caller that is cancelled in the middle of a statement would leave a lock behind."""
        task = asyncio.create_task(transaction)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)


async def save(connection: AsyncConnection, row: UploadRow) -> bool:
    """Write a row on an open transaction; False when its writer was overtaken or it has ended."""
    statement = (
        sa.update(uploads)
        .where(
            uploads.c.id == row.id,
            uploads.c.epoch == row.epoch,
            uploads.c.state.in_([*_ACTIVE, UploadState.JOINED.value]),
        )
        .values(_values(row))
    )
    return bool((await connection.execute(statement)).rowcount)


async def _find(connection: AsyncConnection, upload_id: str) -> UploadRow | None:
    statement = sa.select(*_COLUMNS).where(uploads.c.id == upload_id)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else UploadRow(*row)


async def _numbered(connection: AsyncConnection, row: UploadRow) -> UploadRow:
    """The row with a generation, when it has none."""
    if row.generation:
        return row
    return dataclasses.replace(row, generation=await _generation(connection, row))


async def _generation(connection: AsyncConnection, row: UploadRow) -> int:
    if not row.batch:
        return await queries.next_generation(connection, row.key) if row.key else 1
    known = sa.select(upload_batches.c.generation).where(upload_batches.c.id == row.batch)
    found = (await connection.execute(known)).scalar_one_or_none()
    if found is None:
        generation = await queries.next_generation(connection, row.key)
        # Taking the number made whoever opens the same batch wait: he may have been quicker.
        found = (await connection.execute(known)).scalar_one_or_none()
    if found is None:
        values = {"id": row.batch, "generation": generation}
        await connection.execute(sa.insert(upload_batches).values(values))
        found = generation
    return int(found)


def _values(row: UploadRow) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _NAMES}
    return {
        **values,
        "crc32c": list(row.crc32c),
        "parts": list(row.parts),
        "fields": dict(row.fields),
        "outcome": dict(row.outcome),
    }

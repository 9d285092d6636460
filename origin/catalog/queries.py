"""SQL in, records out: statements on an open transaction, without policy and without memory.

Callers own the transaction. Statements are written for SQLite and PostgreSQL alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.wire import ChangeKind
from origin.catalog.records import Change, Garbage, ObjectRow, TitleRow
from origin.catalog.tables import (
    changes,
    counters,
    garbage,
    generations,
    objects,
    title_changes,
    titles,
)
from origin.store.base import StoredObject

CHANNEL: Final = "cinedge_catalog"
"""Where PostgreSQL tells the other processes that there is something new."""

JOURNAL: Final = "changes"
_JOURNAL_NAME: Final = "journal_name"
"""Among the counters: a number that was drawn, 63 bits of it."""
TITLES: Final = "titles"

_OBJECT_COLUMNS = tuple(objects.c[name] for name in ObjectRow.__dataclass_fields__)


def _upsert(connection: AsyncConnection, table: sa.Table, row: dict[str, Any]) -> Any:
    """INSERT that replaces the row with the same primary key."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    keys = [column.name for column in table.primary_key]
    rest = {name: value for name, value in row.items() if name not in keys}
    return insert(table).values(row).on_conflict_do_update(index_elements=keys, set_=rest)


async def next_generation(connection: AsyncConnection, key: str) -> int:
    """The next number of `key`, never given out before."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = (
        insert(generations)
        .values(key=key, last=1)
        .on_conflict_do_update(index_elements=["key"], set_={"last": generations.c.last + 1})
        .returning(generations.c.last)
    )
    return int((await connection.execute(statement)).scalar_one())


async def lock_generation(connection: AsyncConnection, key: str) -> int:
    """The newest number of `key`; whoever else publishes that key waits until we are done."""
    statement = (
        sa.update(generations)
        .where(generations.c.key == key)
        .values(last=generations.c.last)
        .returning(generations.c.last)
    )
    return int((await connection.execute(statement)).scalar_one_or_none() or 0)


async def next_sequence(connection: AsyncConnection, counter: str) -> int:
    """The next number of JOURNAL, TITLES or a domain's own; who else asks waits for our commit.

    Without gaps, and in the order of commits. Taken as late as can be; when a transaction needs
    both, JOURNAL first. Other processes are woken by the commit.
    """
    statement = (
        sa.update(counters)
        .where(counters.c.name == counter)
        .values(value=counters.c.value + 1)
        .returning(counters.c.value)
    )
    sequence = int((await connection.execute(statement)).scalar_one())
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.select(sa.func.pg_notify(CHANNEL, counter)))
    return sequence


async def load_counters(connection: AsyncConnection) -> dict[str, int]:
    """The newest number of JOURNAL and of TITLES."""
    ours = counters.c.name.in_((JOURNAL, TITLES))
    rows = await connection.execute(sa.select(counters.c.name, counters.c.value).where(ours))
    return {row.name: row.value for row in rows}


async def load_journal_name(connection: AsyncConnection) -> str:
    """What tells this journal from every other one."""
    statement = sa.select(counters.c.value).where(counters.c.name == _JOURNAL_NAME)
    return f"{(await connection.execute(statement)).scalar_one():016x}"


async def rename_journal(connection: AsyncConnection, number: int) -> None:
    """It goes on as another one: whoever followed it knows nothing of it any more."""
    await connection.execute(
        sa.update(counters).where(counters.c.name == _JOURNAL_NAME).values(value=number)
    )


async def find_object(connection: AsyncConnection, key: str) -> ObjectRow | None:
    """The published row of `key`."""
    statement = sa.select(*_OBJECT_COLUMNS).where(objects.c.key == key)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else ObjectRow(*row)


async def save_object(
    connection: AsyncConnection, row: ObjectRow, extent_crc32c: Sequence[int]
) -> None:
    """Insert or replace a row."""
    values = {name: getattr(row, name) for name in ObjectRow.__dataclass_fields__}
    values["extent_crc32c"] = list(extent_crc32c)
    await connection.execute(_upsert(connection, objects, values))


async def drop_object(connection: AsyncConnection, key: str) -> None:
    """Delete the row; its generations stay counted."""
    await connection.execute(sa.delete(objects).where(objects.c.key == key))


async def load_objects(connection: AsyncConnection) -> list[ObjectRow]:
    """Every published row."""
    return [ObjectRow(*row) for row in await connection.execute(sa.select(*_OBJECT_COLUMNS))]


async def find_objects(connection: AsyncConnection, keys: Sequence[str]) -> list[ObjectRow]:
    """The rows of those of the keys that are published; a thousand keys at most."""
    statement = sa.select(*_OBJECT_COLUMNS).where(objects.c.key.in_(keys))
    return [ObjectRow(*row) for row in await connection.execute(statement)]


async def find_title(connection: AsyncConnection, title_id: str) -> TitleRow | None:
    """The row of a title."""
    statement = sa.select(titles).where(titles.c.id == title_id)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else TitleRow(*row)


async def save_title(connection: AsyncConnection, row: TitleRow) -> None:
    """Insert or replace a row."""
    values = {
        "id": row.title_id,
        "body": row.body,
        "version": row.version,
        "updated_at": row.updated_at,
        "etag": row.etag,
    }
    await connection.execute(_upsert(connection, titles, values))


async def drop_title(connection: AsyncConnection, title_id: str) -> None:
    """Delete the row."""
    await connection.execute(sa.delete(titles).where(titles.c.id == title_id))


async def find_titles(connection: AsyncConnection, ids: Sequence[str]) -> list[TitleRow]:
    """The rows of those of the titles that exist; a thousand ids at most."""
    statement = sa.select(titles).where(titles.c.id.in_(ids))
    return [TitleRow(*row) for row in await connection.execute(statement)]


async def record_title_change(connection: AsyncConnection, title_id: str, sequence: int) -> None:
    """Note that a title was saved or removed."""
    row = {"id": title_id, "sequence": sequence}
    await connection.execute(_upsert(connection, title_changes, row))


async def load_title_changes(
    connection: AsyncConnection, after: int, limit: int
) -> list[tuple[str, int]]:
    """Up to `limit` titles changed after number `after`, with their newest number, ascending."""
    statement = (
        sa.select(title_changes.c.id, title_changes.c.sequence)
        .where(title_changes.c.sequence > after)
        .order_by(title_changes.c.sequence)
        .limit(limit)
    )
    return [(title_id, sequence) for title_id, sequence in await connection.execute(statement)]


async def load_titles(connection: AsyncConnection) -> list[TitleRow]:
    """Every title."""
    return [TitleRow(*row) for row in await connection.execute(sa.select(titles))]


async def record_change(
    connection: AsyncConnection,
    kind: ChangeKind,
    row: ObjectRow,
    at: float,
    detail: dict[str, Any],
) -> Change:
    """Write a journal entry about `row` and return it with its sequence."""
    return await _append(connection, kind, (row.key, row.generation, row.etag), at, detail)


async def record_order(
    connection: AsyncConnection, kind: ChangeKind, at: float, detail: dict[str, Any]
) -> Change:
    """Write a journal entry that is about no single object; `detail` says all of it."""
    return await _append(connection, kind, ("", 0, ""), at, detail)


async def _append(
    connection: AsyncConnection,
    kind: ChangeKind,
    about: tuple[str, int, str],
    at: float,
    detail: dict[str, Any],
) -> Change:
    sequence = await next_sequence(connection, JOURNAL)
    key, generation, etag = about
    statement = sa.insert(changes).values(
        sequence=sequence,
        at=at,
        kind=kind.value,
        key=key,
        generation=generation,
        etag=etag,
        detail=detail,
    )
    await connection.execute(statement)
    return Change(sequence, at, kind, key, generation, etag, detail)


async def load_changes(connection: AsyncConnection, after: int, limit: int) -> list[Change]:
    """Up to `limit` entries that follow `after`, ascending."""
    statement = (
        sa.select(changes)
        .where(changes.c.sequence > after)
        .order_by(changes.c.sequence)
        .limit(limit)
    )
    return [_change(row) for row in await connection.execute(statement)]


async def load_newest_changes(connection: AsyncConnection, limit: int) -> list[Change]:
    """The newest `limit` entries, ascending."""
    statement = sa.select(changes).order_by(changes.c.sequence.desc()).limit(limit)
    return [_change(row) for row in await connection.execute(statement)][::-1]


def _change(row: sa.Row[Any]) -> Change:
    return Change(
        sequence=row.sequence,
        at=row.at,
        kind=ChangeKind(row.kind),
        key=row.key,
        generation=row.generation,
        etag=row.etag,
        detail=row.detail,
    )


async def save_garbage(connection: AsyncConnection, stored: StoredObject, due_at: float) -> None:
    """Note bytes that are to be deleted at `due_at`."""
    values = {
        "object_id": stored.object_id,
        "generation": stored.generation,
        "size_bytes": stored.size_bytes,
        "extent_bytes": stored.extent_bytes,
        "due_at": due_at,
    }
    await connection.execute(_upsert(connection, garbage, values))


async def drop_garbage(connection: AsyncConnection, stored: StoredObject) -> None:
    """Forget bytes that are deleted, or published after all."""
    await connection.execute(
        sa.delete(garbage).where(
            garbage.c.object_id == stored.object_id, garbage.c.generation == stored.generation
        )
    )


async def load_garbage(connection: AsyncConnection) -> list[Garbage]:
    """Everything that waits to be deleted, the earliest first."""
    rows = await connection.execute(sa.select(garbage).order_by(garbage.c.due_at))
    return [Garbage(StoredObject(*row[:4]), row[4]) for row in rows]

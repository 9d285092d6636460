"""Editorial rows in SQL: statements on an open transaction; records in, records out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.domains.categories.rows import Row, RowQuery
from origin.domains.categories.rules import Wish
from origin.domains.categories.tables import editorial_rows


async def load_rows(connection: AsyncConnection) -> list[Row]:
    """Every row, from the top."""
    statement = sa.select(editorial_rows).order_by(editorial_rows.c.position, editorial_rows.c.id)
    return [_read(row) for row in await connection.execute(statement)]


async def find_row(connection: AsyncConnection, row_id: str) -> Row | None:
    """One row."""
    statement = sa.select(editorial_rows).where(editorial_rows.c.id == row_id)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _read(row)


async def save_row(connection: AsyncConnection, row: Row, now: float) -> None:
    """Insert or replace a row."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values: dict[str, Any] = {
        "position": row.position,
        "name": row.name,
        "kind": row.kind.value,
        "language": row.language,
        "size": row.size,
        "content": _content(row),
        "updated_at": now,
    }
    statement = insert(editorial_rows).values(id=row.id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


async def drop_row(connection: AsyncConnection, row_id: str) -> bool:
    """Delete a row; False when there is none."""
    done = await connection.execute(sa.delete(editorial_rows).where(editorial_rows.c.id == row_id))
    return bool(done.rowcount == 1)


def _content(row: Row) -> Any:
    return asdict(row.content) if isinstance(row.content, RowQuery) else row.content


def _read(row: sa.Row[Any]) -> Row:
    return Row(row.id, row.position, row.name, _read_content(row.content), row.language, row.size)


def _read_content(content: Any) -> tuple[str, ...] | RowQuery | str:
    if isinstance(content, list):
        return tuple(content)
    if isinstance(content, dict):
        return RowQuery(content["category"], Wish(**content["wish"]), content["order"])
    return str(content)

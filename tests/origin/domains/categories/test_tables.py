"""The table that migrations make is the one that queries are written for."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from origin.catalog.database import open_database, parse_database_url
from origin.domains.categories.tables import editorial_rows


async def test_migrations_make_the_table(database_url: str) -> None:
    database = await open_database(parse_database_url(database_url, Path()))
    try:
        async with database.reading() as connection:
            columns = await connection.run_sync(
                lambda sync: sa.inspect(sync).get_columns(editorial_rows.name)
            )
    finally:
        await database.close()
    assert [column["name"] for column in columns] == list(editorial_rows.c.keys())

"""Editorial rows come back as they were saved, from both databases."""

from __future__ import annotations

from pathlib import Path

from origin.catalog.database import open_database, parse_database_url
from origin.domains.categories import queries
from origin.domains.categories.rows import Row, RowQuery
from origin.domains.categories.rules import Wish

ROWS = [
    Row("list", 0, "Ours", ("b", "a"), language="fr", size=5),
    Row("asked", 1, "Crime", RowQuery("genre.crime", Wish(1990, 1999, "en"), "oldest")),
    Row("picked", 1, "Trending", "trending"),
]


async def test_rows_are_saved_replaced_and_removed(database_url: str) -> None:
    database = await open_database(parse_database_url(database_url, Path()))
    try:
        async with database.begin() as connection:
            for row in reversed(ROWS):
                await queries.save_row(connection, row, 1.0)
            assert await queries.load_rows(connection) == ROWS
            await queries.save_row(connection, Row("list", 9, "Theirs", ("c",)), 2.0)
            assert await queries.find_row(connection, "list") == Row("list", 9, "Theirs", ("c",))
            assert await queries.drop_row(connection, "list")
            assert not await queries.drop_row(connection, "list")
            assert await queries.find_row(connection, "list") is None
            assert await queries.load_rows(connection) == ROWS[1:]
    finally:
        await database.close()

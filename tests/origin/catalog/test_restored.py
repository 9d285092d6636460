"""A restored catalog begins another life that no follower can take for the one it knew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from cdnkit.wire import ChangeKind
from origin.catalog import queries
from origin.catalog.catalog import open_catalog
from origin.catalog.database import Database, open_database, parse_database_url
from origin.catalog.restored import mark_restored
from origin.catalog.tables import uploads
from origin.ingest.session import UploadState

NOW = 1_800_000_000.0


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await open_database(parse_database_url(database_url, Path()))
    yield database
    await database.close()


async def test_the_journal_goes_on_beyond_all_that_was_ever_told(database: Database) -> None:
    async with database.begin() as connection:
        await queries.record_order(connection, ChangeKind.PIN, NOW, {})
        first = await mark_restored(connection, NOW)
        second = await mark_restored(connection, NOW - 50)
        later = await mark_restored(connection, NOW + 9)
        told = await queries.load_changes(connection, 1, 10)
    assert (first, second, later) == (1_800_000_000_001, 1_800_000_000_002, 1_800_000_009_001)
    assert [(each.sequence, each.kind) for each in told] == [
        (number, ChangeKind.RESTORED) for number in (first, second, later)
    ]


async def test_the_journal_goes_on_under_another_name(database: Database) -> None:
    names = set()
    async with database.begin() as connection:
        for number in range(3):
            names.add(await queries.load_journal_name(connection))
            await mark_restored(connection, NOW + number)
    assert len(names) == 3
    assert all(int(name, 16) >= 0 and len(name) == 16 for name in names)


async def test_an_origin_opens_it_and_tells_who_comes_from_the_other_life(
    database: Database, database_url: str
) -> None:
    async with database.begin() as connection:
        for _ in range(3):
            await queries.record_order(connection, ChangeKind.PIN, NOW, {})
        told = await mark_restored(connection, NOW)
        name = await queries.load_journal_name(connection)
    catalog = await open_catalog(parse_database_url(database_url, Path()), lambda: NOW)
    try:
        for place in (3, 4, 1_000_000):
            assert [each.sequence for each in await catalog.changes_after(place, 10)] == [told]
        assert len(await catalog.changes_after(0, 10)) == 4
        assert catalog.journal.last == told
        assert catalog.journal.name == name
    finally:
        await catalog.close()


async def test_unfinished_uploads_are_forgotten_and_finished_ones_known(
    database: Database,
) -> None:
    row = {
        **{column.name: "" for column in uploads.c if isinstance(column.type, sa.Text)},
        **{column.name: 0 for column in uploads.c if isinstance(column.type, sa.BigInteger)},
        **{column.name: 0.0 for column in uploads.c if isinstance(column.type, sa.Double)},
        **{column.name: [] for column in uploads.c if isinstance(column.type, sa.JSON)},
    }
    async with database.begin() as connection:
        for state in UploadState:
            values = {**row, "id": state.value, "state": state.value}
            await connection.execute(sa.insert(uploads).values(values))
        await mark_restored(connection, NOW)
        left = set((await connection.execute(sa.select(uploads.c.state))).scalars())
    assert left == {"published", "abandoned", "cancelled", "expired"}

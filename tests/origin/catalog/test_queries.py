"""Statements on a real database: what is written is what is read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from cdnkit.wire import ChangeKind
from origin.catalog import queries
from origin.catalog.database import Database, open_database, parse_database_url
from origin.catalog.records import Garbage, ObjectRow, TitleRow
from origin.catalog.tables import objects
from origin.store.base import StoredObject

ROW = ObjectRow("a", 1, 1, 5, 65536, "video/mp4", "00" * 32, '"1-00"', 1.5)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await open_database(parse_database_url(database_url, Path()))
    yield database
    await database.close()


async def test_generations_count_up_for_each_key(database: Database) -> None:
    async with database.begin() as connection:
        numbers = [await queries.next_generation(connection, key) for key in ("a", "b", "a")]
        assert numbers == [1, 1, 2]
        assert await queries.lock_generation(connection, "a") == 2
        assert await queries.lock_generation(connection, "never") == 0


async def test_object_is_read_as_it_was_written_with_its_checksums(database: Database) -> None:
    async with database.begin() as connection:
        await queries.next_generation(connection, "a")
        await queries.save_object(connection, ROW, (1, 2**32 - 1))
        assert await queries.find_object(connection, "a") == ROW
        checksums = await connection.execute(sa.select(objects.c.extent_crc32c))
        assert checksums.scalar_one() == [1, 2**32 - 1]
        await queries.drop_object(connection, "a")
        assert await queries.find_object(connection, "a") is None
        assert await queries.lock_generation(connection, "a") == 1


async def test_object_without_a_counted_generation_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.begin() as connection:
            await queries.save_object(connection, ROW, ())


async def test_title_is_replaced_and_dropped(database: Database) -> None:
    first = TitleRow("t", '{"title":"ä"}', 1, 1.5, '"1-a"')
    second = TitleRow("t", '{"title":"b"}', 2, 2.5, '"2-b"')
    async with database.begin() as connection:
        for row in (first, second):
            await queries.save_title(connection, row)
            assert await queries.find_title(connection, "t") == row
        assert await queries.load_titles(connection) == [second]
        await queries.drop_title(connection, "t")
        assert await queries.load_titles(connection) == []


async def test_changes_are_read_in_order_from_either_end(database: Database) -> None:
    async with database.begin() as connection:
        kinds = (ChangeKind.PUBLISH, ChangeKind.DELETE, ChangeKind.PURGE)
        written = [
            await queries.record_change(connection, kind, ROW, 1.5, {"n": 1}) for kind in kinds
        ]
        assert [change.sequence for change in written] == [1, 2, 3]
        assert await queries.load_changes(connection, 0, 2) == written[:2]
        assert await queries.load_changes(connection, 1, 9) == written[1:]
        assert await queries.load_newest_changes(connection, 2) == written[1:]


async def test_garbage_is_listed_by_its_time_and_noted_once(database: Database) -> None:
    late, early = StoredObject("a", 1, 5, 10), StoredObject("a", 2, 5, 10)
    async with database.begin() as connection:
        for stored, due_at in ((late, 5.0), (late, 9.0), (early, 7.0)):
            await queries.save_garbage(connection, stored, due_at)
        assert await queries.load_garbage(connection) == [Garbage(early, 7.0), Garbage(late, 9.0)]
        await queries.drop_garbage(connection, late)
        assert await queries.load_garbage(connection) == [Garbage(early, 7.0)]


async def test_numbers_of_a_counter_have_no_gaps_and_roll_back(database: Database) -> None:
    async with database.begin() as connection:
        assert await queries.next_sequence(connection, queries.JOURNAL) == 1
        assert await queries.next_sequence(connection, queries.TITLES) == 1

    async def fail() -> None:
        async with database.begin() as connection:
            assert await queries.next_sequence(connection, queries.JOURNAL) == 2
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.begin() as connection:
        assert await queries.next_sequence(connection, queries.JOURNAL) == 2
        assert await queries.load_counters(connection) == {"changes": 2, "titles": 1}


async def test_only_the_newest_change_of_a_title_is_kept(database: Database) -> None:
    async with database.begin() as connection:
        for number, title_id in enumerate(("a", "b", "a"), 1):
            await queries.record_title_change(connection, title_id, number)
        assert await queries.load_title_changes(connection, 0, 10) == [("b", 2), ("a", 3)]
        assert await queries.load_title_changes(connection, 2, 10) == [("a", 3)]
        assert await queries.load_title_changes(connection, 0, 1) == [("b", 2)]

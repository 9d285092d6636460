"""What is read of the log is exactly what a plain look at all its rows gives, on both databases."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from origin.batch import source
from origin.batch.manifest import DAY_SECONDS, day_start
from origin.catalog.database import Database
from tests.helpers.activity_log import add_events, add_titles, event, made_events


async def read_day(database: Database, start: float, cut: int, page_rows: int) -> list[Any]:
    async with database.reading() as connection:
        pages = source.pages_of_day(connection, start, cut, page_rows)
        return [[row["event"] for row in page] async for page in pages]


async def test_empty_log_has_no_days(database: Database) -> None:
    async with database.reading() as connection:
        assert await source.newest_number(connection) == 0
        assert await source.days(connection, 0) == []
        assert [page async for page in source.pages_of_titles(connection)] == []


async def test_days_are_counted_up_to_the_cut_and_gaps_skipped(database: Database) -> None:
    moments = [0.0, 86_399.9, 86_400.0, 1e6, 5e8, 5e8 + 1, 1.7e9, 3.0]
    async with database.begin() as connection:
        await add_events(connection, [event(f"e{n}", at=at) for n, at in enumerate(moments)])
    for cut in range(len(moments) + 1):
        expected = []
        rows = sorted((day_start(at), n + 1) for n, at in enumerate(moments[:cut]))
        for start, group in groupby(rows, key=lambda row: row[0]):
            numbers = [number for _, number in group]
            expected.append(source.DayRows(start, len(numbers), max(numbers)))
        async with database.reading() as connection:
            assert await source.days(connection, cut) == expected


async def test_pages_hold_each_row_of_a_day_once_in_order(database: Database) -> None:
    at = day_start(1.7e9)
    moments = [at + 5, at, at + 5, at + 5, at + DAY_SECONDS, at + 1, at - 1, at + 5]
    async with database.begin() as connection:
        await add_events(connection, [event(f"e{n}", at=each) for n, each in enumerate(moments)])
    inside = [(each, n) for n, each in enumerate(moments[:7]) if at <= each < at + DAY_SECONDS]
    expected = [f"e{n}" for _, n in sorted(inside)]
    for page_rows in (1, 2, 3, 100):
        pages = await read_day(database, at, 7, page_rows)
        assert [name for page in pages for name in page] == expected
        assert all(len(page) <= page_rows for page in pages)


async def test_rows_carry_every_column(database: Database) -> None:
    (made,) = made_events(1, profiles=3, title_count=10)
    async with database.begin() as connection:
        await add_events(connection, [made])
    async with database.reading() as connection:
        pages = source.pages_of_day(connection, day_start(made["at"]), 1)
        (page,) = [page async for page in pages]
    assert page == [{"number": 1, **made}]


async def test_titles_come_as_jobs_need_them(database: Database) -> None:
    async with database.begin() as connection:
        odd = {"title": "Odd", "genres": 7, "year": "x", "age": None}
        film = {"title": "Film", "genres": ["Drama/Crime", "War"], "year": 1950, "age": 16}
        await add_titles(connection, {"b": {**film, "duration_seconds": 60}, "a": odd})
    async with database.reading() as connection:
        (page,) = [page async for page in source.pages_of_titles(connection)]
    assert page == [
        {
            **{"title": "a", "name": "Odd", "genre": "", "genres": [], "year": None},
            **{"age": 0, "duration_seconds": 0.0, "version": 1},
        },
        {
            **{"title": "b", "name": "Film", "genre": "Drama", "genres": ["Drama/Crime", "War"]},
            **{"year": 1950, "age": 16, "duration_seconds": 60.0, "version": 1},
        },
    ]

"""Bytes of titles are kept once, however often and from how many edges they are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from cdnkit.wire import Traffic
from origin.catalog.database import Database, open_database, parse_database_url
from origin.catalog.tables import traffic_lots
from origin.catalog.traffic import LOTS_KEPT_SECONDS, Summed, TrafficRow, forget, sums, take_lot


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(parse_database_url(database_url, Path()))
    yield opened
    await opened.close()


def row(title: str, size_bytes: int, kind: Traffic = Traffic.EDGE, day: int = 1) -> TrafficRow:
    return TrafficRow(f"2026-11-{day:02}", title, kind, size_bytes)


async def by(database: Database, what: str, **groups: str) -> dict[tuple[str, str, Traffic], int]:
    found = await sums(database, "2026-11-01", "2026-11-30", what, groups)
    return {(each.key, each.group, each.kind): each.size_bytes for each in found}


async def test_lots_add_up_and_each_counts_once(database: Database) -> None:
    first = [row("a", 3), row("a", 4), row("", 5), row("a", 1, Traffic.ORIGIN)]
    assert await take_lot(database, "x", 1, "e1", first, 10.0)
    assert await take_lot(database, "x", 2, "e1", [row("a", 100)], 11.0)
    assert not await take_lot(database, "x", 2, "e1", [row("a", 100)], 12.0)
    assert await by(database, "title") == {
        ("a", "", Traffic.EDGE): 107,
        ("a", "", Traffic.ORIGIN): 1,
        ("", "", Traffic.EDGE): 5,
    }


async def test_a_lot_that_was_long_under_way_counts_once(database: Database) -> None:
    assert await take_lot(database, "x", 9, "e1", [row("a", 1)], 10.0)
    assert await take_lot(database, "x", 10, "e1", [row("a", 2)], 11.0)
    assert not await take_lot(database, "x", 9, "e1", [row("a", 1)], 12.0)
    assert await take_lot(database, "y", 9, "e1", [row("a", 4)], 12.0)
    assert await by(database, "title") == {("a", "", Traffic.EDGE): 7}


async def test_of_a_life_one_row_is_remembered(database: Database) -> None:
    for number in range(1, 6):
        await take_lot(database, "x", number, "e1", [row("a", 1)], float(number))
    async with database.reading() as connection:
        assert list(await connection.execute(sa.select(traffic_lots))) == [("x", 5, 5.0)]


async def test_the_same_lot_told_by_many_at_once_counts_once(database: Database) -> None:
    rows = [row(title, 1) for title in "abcdef"]
    lives = [("same" if number % 2 else f"x-{number}") for number in range(12)]
    said = [
        take_lot(database, life, 1, "e1", rows[:: 1 - 2 * (number % 2)], 10.0)
        for number, life in enumerate(lives)
    ]
    assert sum(await asyncio.gather(*said)) == 7
    assert set((await by(database, "title")).values()) == {7}


async def test_sums_are_by_title_edge_or_day_and_of_the_days_asked_for(
    database: Database,
) -> None:
    await take_lot(database, "x", 1, "e1", [row("a", 1), row("b", 2, day=2)], 10.0)
    await take_lot(database, "y", 1, "e2", [row("a", 4), row("b", 8, day=30)], 10.0)
    edge = Traffic.EDGE
    assert await by(database, "title") == {("a", "", edge): 5, ("b", "", edge): 10}
    assert await by(database, "edge") == {("e1", "", edge): 3, ("e2", "", edge): 12}
    assert await by(database, "day") == {
        ("2026-11-01", "", edge): 5,
        ("2026-11-02", "", edge): 2,
        ("2026-11-30", "", edge): 8,
    }
    assert await by(database, "title", e2="sao") == {
        ("a", "", edge): 1,
        ("a", "sao", edge): 4,
        ("b", "", edge): 2,
        ("b", "sao", edge): 8,
    }
    assert await sums(database, "2026-11-02", "2026-11-02", "edge", {}) == [
        Summed("e1", "", edge, 2)
    ]


async def test_more_than_a_terabyte_a_day_is_no_trouble(database: Database) -> None:
    for number in range(3):
        await take_lot(database, "x", number, "e1", [row("a", 1 << 50)], 10.0)
    assert await by(database, "title") == {("a", "", Traffic.EDGE): 3 << 50}


async def test_old_days_go_and_so_do_lives_of_workers(database: Database) -> None:
    old = [row("a", 1, day=1), row("b", 1, day=1), row("a", 1, day=3)]
    await take_lot(database, "old", 1, "e1", old, 10.0)
    await take_lot(database, "new", 1, "e1", [row("a", 2, day=4)], LOTS_KEPT_SECONDS)
    await forget(database, "2026-11-04", LOTS_KEPT_SECONDS + 11)
    assert await by(database, "day") == {("2026-11-04", "", Traffic.EDGE): 2}
    async with database.reading() as connection:
        assert list(await connection.scalars(sa.select(traffic_lots.c.life))) == ["new"]

"""Followers of titles are told every change once, with what memory holds of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from origin.catalog import title_feed
from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url
from origin.catalog.title_feed import all_titles, next_titles
from tests.helpers.clock import FakeClock

BODY = '{"title":"A"}'


@pytest.fixture
async def catalog(database_url: str) -> AsyncIterator[Catalog]:
    opened = await open_catalog(parse_database_url(database_url, Path()), FakeClock())
    yield opened
    await opened.close()


async def put(catalog: Catalog, *ids: str) -> None:
    for title_id in ids:
        await catalog.put_title(title_id, BODY, lambda _: None)


async def test_changes_are_told_in_parts_and_removed_titles_as_none(catalog: Catalog) -> None:
    await put(catalog, "a", "b", "c", "a")
    await catalog.delete_title("b", lambda _: None)
    first = await next_titles(catalog, 0, limit=2)
    assert list(first.rows) == ["c", "a"]
    rest = await next_titles(catalog, first.place, limit=2)
    assert rest.rows == {"b": None}
    assert rest.place == catalog.titles_progress.reached == 5
    everything = all_titles(catalog)
    assert set(everything.rows) == {"a", "c"}
    assert everything.place == 5


async def test_follower_waits_for_news(catalog: Catalog) -> None:
    waiting = asyncio.create_task(next_titles(catalog, 0))
    await asyncio.sleep(0)
    assert not waiting.done()
    await put(catalog, "a")
    assert set((await asyncio.wait_for(waiting, 5)).rows) == {"a"}


async def test_titles_of_other_processes_come_once_memory_has_them(
    catalog: Catalog, database_url: str
) -> None:
    other = await open_catalog(parse_database_url(database_url, Path()), FakeClock())
    await put(other, "a", "b")
    await other.close()
    await put(catalog, "c")
    found = await next_titles(catalog, 0)
    assert set(found.rows) == {"a", "b", "c"}
    assert all(row is not None for row in found.rows.values())


async def test_follower_outlasts_a_database_that_is_away(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(title_feed, "RETRY_SECONDS", 0.0)
    await put(catalog, "a")
    answers = iter(["the database's file is gone", "still", None, None, None])
    monkeypatch.setattr(catalog.database, "missing", lambda: next(answers))
    assert set((await asyncio.wait_for(next_titles(catalog, 0), 5)).rows) == {"a"}

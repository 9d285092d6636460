"""The index follows the catalog, and comes back from whatever is done to it."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url
from origin.domains.search import keeping
from origin.domains.search.asking import Filters
from origin.domains.search.index import FilmIndex, Found, IndexBrokenError
from origin.domains.search.keeping import Keeper
from origin.domains.search.rules import read_query
from tests.helpers.clock import FakeClock

Put = Callable[..., Awaitable[object]]


@asynccontextmanager
async def opened(folder: Path, name: str = "a") -> AsyncIterator[tuple[Catalog, Put]]:
    url = parse_database_url(f"sqlite:///{folder}/{name}.sqlite", folder)
    catalog = await open_catalog(url, FakeClock())

    async def put(title_id: str, title: str) -> None:
        await catalog.put_title(title_id, json.dumps({"title": title}), lambda _: None)

    yield catalog, put
    await catalog.close()


@asynccontextmanager
async def kept(
    catalog: Catalog, folder: Path, report: Callable[[str], None] = pytest.fail
) -> AsyncIterator[Keeper]:
    keeper = Keeper(catalog, folder / "search", 0.0, report)
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_found(keeper: Keeper, query: str, count: int) -> None:
    async with asyncio.timeout(20):
        seen = keeper.commits.reached
        while len((await find(keeper, query)).hits) != count:
            await keeper.commits.wait_beyond(seen)
            seen = keeper.commits.reached


async def find(keeper: Keeper, query: str) -> Found:
    return await keeper.find(read_query(query), Filters(), 10, with_facets=False)


async def test_titles_are_found_as_they_change(tmp_path: Path) -> None:
    async with opened(tmp_path) as (catalog, put):
        await put("a", "Alien")
        async with kept(catalog, tmp_path) as keeper:
            assert (keeper.is_building, (await find(keeper, "alien")).hits) == (True, ())
            await until_found(keeper, "alien", 1)
            await put("b", "Aliens")
            await until_found(keeper, "alien", 2)
            await put("a", "Blade Runner")
            await until_found(keeper, "blade", 1)
            await catalog.delete_title("b", lambda _: None)
            await until_found(keeper, "alien", 0)
            assert keeper.place == 4


async def test_what_changed_while_it_was_closed_is_taken_in(tmp_path: Path) -> None:
    async with opened(tmp_path) as (catalog, put):
        await put("a", "Alien")
        async with kept(catalog, tmp_path) as keeper:
            await until_found(keeper, "alien", 1)
        await put("b", "Aliens")
        async with kept(catalog, tmp_path) as keeper:
            await until_found(keeper, "alien", 2)


async def test_index_of_another_catalog_is_built_anew(tmp_path: Path) -> None:
    async with opened(tmp_path) as (catalog, put):
        await put("a", "Alien")
        await put("b", "Aliens")
        async with kept(catalog, tmp_path) as keeper:
            await until_found(keeper, "alien", 2)
    for titles in (["Blade Runner"], ["Ran", "Blade", "Brazil"]):
        async with opened(tmp_path, f"other-{len(titles)}") as (catalog, put):
            for title in titles:
                await put(title.lower().replace(" ", "-"), title)
            async with kept(catalog, tmp_path) as keeper:
                await until_found(keeper, "blade", 1)
                await until_found(keeper, "alien", 0)


async def test_deleted_folder_is_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "RETRY_SECONDS", 0.0)
    said: list[str] = []
    async with opened(tmp_path) as (catalog, put):
        await put("a", "Alien")
        async with kept(catalog, tmp_path, said.append) as keeper:
            await until_found(keeper, "alien", 1)
            shutil.rmtree(tmp_path / "search")
            await put("b", "Aliens")
            await until_found(keeper, "alien", 2)
    assert "built anew" in said[0]


async def test_search_that_meets_broken_files_finds_nothing_until_they_are_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "RETRY_SECONDS", 0.0)
    said: list[str] = []
    sound = FilmIndex.find

    def fail(*_args: Any, **_kwargs: Any) -> Found:
        raise IndexBrokenError("data corrupted")

    async with opened(tmp_path) as (catalog, put):
        await put("a", "Alien")
        async with kept(catalog, tmp_path, said.append) as keeper:
            await until_found(keeper, "alien", 1)
            monkeypatch.setattr(FilmIndex, "find", fail)
            assert await find(keeper, "alien") == Found()
            monkeypatch.setattr(FilmIndex, "find", sound)
            await until_found(keeper, "alien", 1)
    assert said[0] == "the search index cannot be read: data corrupted"

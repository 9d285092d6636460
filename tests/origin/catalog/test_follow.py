"""A process follows the others: woken by PostgreSQL, by looking elsewhere, after any trouble."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url
from origin.catalog.follow import follow
from origin.catalog.records import TitleRow
from tests.helpers.clock import FakeClock
from tests.helpers.postgres import Postgres, postgres_server

NEVER_SECONDS = 3600.0


def allow(current: TitleRow | None) -> None:
    """Refuses nothing."""


async def opened(url: str) -> Catalog:
    return await open_catalog(parse_database_url(url, Path()), FakeClock())


@asynccontextmanager
async def following(
    catalog: Catalog, reports: list[str], look_seconds: float
) -> AsyncIterator[None]:
    task = asyncio.create_task(follow(catalog, reports.append, look_seconds))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(claim: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not claim():  # noqa: ASYNC110 (the map tells nobody)
            await asyncio.sleep(0.005)


async def until_title(catalog: Catalog, title_id: str) -> None:
    await until(lambda: catalog.titles.get(title_id) is not None)


async def test_commit_of_another_process_wakes_us(postgres: Postgres) -> None:
    url = postgres.create_database()
    ours, theirs = await opened(url), await opened(url)
    await theirs.put_title("before", "{}", allow)
    async with following(ours, [], NEVER_SECONDS):
        await until_title(ours, "before")
        await theirs.put_title("after", "{}", allow)
        await until_title(ours, "after")
    await ours.close()
    await theirs.close()


@pytest.mark.parametrize("look_seconds", [0.01])
async def test_without_a_word_we_look_now_and_then(database_url: str, look_seconds: float) -> None:
    ours, theirs = await opened(database_url), await opened(database_url)
    async with following(ours, [], look_seconds):
        await theirs.put_title("t", "{}", allow)
        await until_title(ours, "t")
    await ours.close()
    await theirs.close()


async def test_server_that_crashed_is_reported_once_and_followed_again() -> None:
    with postgres_server() as server:
        url = server.create_database()
        ours, theirs = await opened(url), await opened(url)
        reports: list[str] = []
        async with following(ours, reports, NEVER_SECONDS):
            await theirs.put_title("before", "{}", allow)
            await until_title(ours, "before")
            server.stop(signal.SIGQUIT)
            await until(lambda: reports)
            server.start()
            await theirs.put_title("after", "{}", allow)
            await until_title(ours, "after")
        assert len(reports) == 1
        await ours.close()
        await theirs.close()

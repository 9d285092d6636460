"""`cinedge recommend` as a process, over a catalog in which something happened."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from origin.catalog import recommended
from origin.catalog.database import open_database, parse_database_url
from tests.helpers.activity_log import add_events, add_titles, made_events, made_titles

PROFILES = 400


def in_catalog(url: str, work: Callable[[Any], Any]) -> Any:
    """Do something in one transaction of the catalog."""

    async def go() -> Any:
        database = await open_database(parse_database_url(url, Path()))
        try:
            async with database.begin() as connection:
                return await work(connection)
        finally:
            await database.close()

    # In a thread of its own: who drives a browser has a loop already.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(go())).result()


def fill(url: str) -> None:
    """Three days of evenings of 400 profiles."""

    async def work(connection: Any) -> None:
        await add_titles(connection, made_titles(60))
        await add_events(connection, made_events(6_000, profiles=PROFILES, title_count=60, days=3))

    in_catalog(url, work)


def add_evening(url: str) -> None:
    """More of the same on each day, so that the next snapshot has all days to write."""

    async def work(connection: Any) -> None:
        events = made_events(600, profiles=PROFILES, title_count=60, days=3, seed=2)
        await add_events(connection, events)

    in_catalog(url, work)


def command(catalog: str, place: str) -> list[str | Path]:
    """The process to start."""
    words = ["recommend", "--catalog", catalog, "--into", place, "--json"]
    return [sys.executable, "-m", "scripts.cli.main", *words]


def shown_runs(catalog: str) -> dict[str, str]:
    """The run that each label shows."""
    found: dict[str, str] = in_catalog(catalog, recommended.promoted)
    return found

"""`cinedge recommend` killed at each stage: nothing is shown by half, a rerun ends it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from origin.catalog import recommended
from origin.catalog.database import open_database, parse_database_url
from tests.helpers.activity_log import add_events, add_titles, made_events, made_titles
from tests.helpers.processes import Running, wait_until

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

    return asyncio.run(go())


@pytest.fixture
def catalog(tmp_path: Path) -> str:
    async def fill(connection: Any) -> None:
        await add_titles(connection, made_titles(60))
        events = made_events(6_000, profiles=PROFILES, title_count=60, days=3)
        await add_events(connection, events)

    url = f"sqlite:///{tmp_path}/catalog.sqlite"
    in_catalog(url, fill)
    return url


def command(catalog: str, place: Path) -> list[str | Path]:
    words = ["recommend", "--catalog", catalog, "--into", str(place), "--json"]
    return [sys.executable, "-m", "scripts.cli.main", *words]


def shown_runs(catalog: str) -> dict[str, str]:
    found: dict[str, str] = in_catalog(catalog, recommended.promoted)
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_at_each_stage_nothing_is_shown_by_half(catalog: str, tmp_path: Path) -> None:
    place = tmp_path / "batch"
    signs = ("*/titles/part-*", "*/plan.json", "*/activity/*/_day.json", "*/manifest.json",
             "*/results/results.json")  # fmt: skip
    shown: dict[str, str] = {}
    for sign in signs:
        before = set(place.glob(sign))
        with Running(command(catalog, place)) as job:

            def has_come(sign: str = sign, before: set[Path] = before) -> bool:
                return bool(set(place.glob(sign)) - before) or job.process.poll() is not None

            wait_until(has_come, f"{sign} appears", 100)
            job.ask_to_stop(signal.SIGKILL)
            code = job.end()
        # The job may have been quicker than the signal.
        shown = shown_runs(catalog) if code == 0 else shown
        assert shown_runs(catalog) == shown
    done = subprocess.run(
        command(catalog, place), capture_output=True, text=True, check=True, timeout=200
    )
    run = json.loads(done.stdout)["run"]
    assert shown_runs(catalog) == {"control": run}

    async def check(connection: Any) -> None:
        runs = await recommended.list_runs(connection)
        assert all(each.is_finished for each in runs)
        for number in range(PROFILES):
            found = await recommended.find_shown(connection, "control", f"p{number}", "")
            assert found is not None
            assert found.own is not None
            assert found.own.items

    in_catalog(catalog, check)

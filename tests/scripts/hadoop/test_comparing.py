"""Spark over HDFS makes the lists that DuckDB makes over a folder, and a difference is seen."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from origin.batch.destination import Folder
from origin.batch.engines import DuckDb
from origin.batch.job import Clocks, Job
from origin.batch.saving import Wish
from origin.catalog.database import open_database, parse_database_url
from origin.catalog.recommended import recommendation_lists
from scripts.hadoop.cluster import missing
from scripts.hadoop.comparing import differing_owners
from tests.helpers.activity_log import add_events, add_titles, made_events, made_titles
from tests.helpers.clock import FakeClock
from tests.helpers.hdfs import QUICK_JAVA

PROFILES = 12


async def fill(connection: Any) -> None:
    await add_titles(connection, made_titles(30))
    await add_events(connection, made_events(400, profiles=PROFILES, title_count=30, days=3))


async def test_row_that_another_engine_would_not_have_made_is_named(tmp_path: Path) -> None:
    database = await open_database(parse_database_url("", tmp_path))
    place, clock = Folder(tmp_path / "batch"), FakeClock()
    async with database.begin() as connection:
        await fill(connection)
    run = await Job(database, place, Wish(), Clocks(clock, clock)).run(DuckDb)
    count, differing = await differing_owners(database, place, run)
    assert count > PROFILES
    assert differing == []
    own = recommendation_lists.c
    async with database.begin() as connection:
        of_third = sa.update(recommendation_lists).where(own.owner == "p3")
        await connection.execute(of_third.values(items=[["t0001", 1.0, ""]]))
        await connection.execute(sa.delete(recommendation_lists).where(own.owner == "p5"))
    assert await differing_owners(database, place, run) == (count, ["profile p3", "profile p5"])
    await database.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_command_gives_on_spark_and_hdfs_what_duckdb_gives(tmp_path: Path) -> None:
    pytest.importorskip("pyspark")
    pytest.importorskip("hdfs_native")
    if reason := missing(os.environ):
        pytest.skip(reason)
    url = f"sqlite:///{tmp_path}/catalog.sqlite"

    async def make() -> None:
        database = await open_database(parse_database_url(url, tmp_path))
        async with database.begin() as connection:
            await fill(connection)
        await database.close()

    asyncio.run(make())
    command = [sys.executable, "-m", "scripts.hadoop", "--catalog", url, "--compare", "--json"]
    # A short run is over before the second compiler of Java pays.
    environ = {**os.environ, "JAVA_TOOL_OPTIONS": QUICK_JAVA}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-2000:]
    made, compared = map(json.loads, done.stdout.splitlines())
    assert (made["engine"], made["label"]) == ("spark", "control")
    assert compared["differing"] == []
    assert compared["compared"] > PROFILES

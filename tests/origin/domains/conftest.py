"""Rows for the domains of the film service on both databases, and an origin that offers it.

Each test has a copy of a database that was migrated once: migrating takes longer than most tests.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from config.service import Service
from config.topology import Topology
from origin.catalog.database import Database, open_database, parse_database_url
from tests.helpers.postgres import Postgres
from tests.origin.conftest import NewDatabase, RunningOrigin, StartOrigin

_numbers = count(1)


def _migrate(url: str) -> None:
    async def migrate() -> None:
        await (await open_database(parse_database_url(url, Path()))).close()

    asyncio.run(migrate())


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database to copy."""
    path = tmp_path_factory.mktemp("template") / "catalog.sqlite"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def copy_postgres(postgres: Postgres) -> Callable[[], str]:
    """Makes a copy of a migrated PostgreSQL database."""
    url = postgres.create_database()
    _migrate(url)
    template = url.rpartition("/")[2]

    def copy() -> str:
        name = f"cinedge_copy_{next(_numbers)}"
        postgres.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return f"{url.rpartition('/')[0]}/{name}"

    return copy


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> NewDatabase:
    """Makes the URL of a new database with empty tables each time it is called."""
    if request.param == "postgresql":
        copy: NewDatabase = request.getfixturevalue("copy_postgres")
        return copy
    migrated: Path = request.getfixturevalue("migrated_file")

    def make() -> str:
        path = tmp_path / f"catalog-{next(_numbers)}.sqlite"
        shutil.copyfile(migrated, path)
        return f"sqlite:///{path}"

    return make


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with empty tables."""
    opened = await open_database(parse_database_url(database_url, Path()))
    yield opened
    await opened.close()


@pytest.fixture
async def service(start_origin: StartOrigin) -> AsyncIterator[RunningOrigin]:
    """An origin that offers the film service to anybody."""
    topology = Topology(service=Service(search_refresh_seconds=0.05))
    async with start_origin(topology) as running:
        yield running


async def save_title(origin: RunningOrigin, title_id: str, **members: Any) -> None:
    """Save a title over HTTP."""
    async with origin.client.put(f"/v1/titles/{title_id}", json=members) as answer:
        assert answer.status in (200, 201), await answer.text()

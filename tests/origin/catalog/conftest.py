"""Both databases for every claim about the catalog: SQLite in a file, PostgreSQL as a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers.postgres import Postgres, postgres_server

NewDatabase = Callable[[], str]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests; each makes databases of its own."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> NewDatabase:
    """Makes the URL of a new, empty database each time it is called."""
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        return server.create_database
    made: list[str] = []

    def make() -> str:
        made.append(f"sqlite:///{tmp_path}/catalog-{len(made)}.sqlite")
        return made[-1]

    return make


@pytest.fixture
def database_url(new_database: NewDatabase) -> str:
    """URL of one new, empty database."""
    return new_database()

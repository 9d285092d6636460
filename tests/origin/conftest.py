"""A real origin for tests, on a free port over a temporary directory, and both databases.

Every claim about rows is tested on SQLite in a file and on PostgreSQL as a server.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from cdnkit.service.run import serve
from config.topology import Address, OriginNode, Topology
from origin.app import PARTS, OriginParts, build_origin
from tests.helpers.clock import FakeClock
from tests.helpers.postgres import Postgres, postgres_server

EXTENT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class RunningOrigin:
    """An origin that answers, with a client whose base URL it is."""

    client: ClientSession
    parts: OriginParts
    clock: FakeClock
    host: str
    port: int
    app: web.Application

    async def bytes_of(self, key: str) -> bytes:
        """What the store holds for `key`, without the delivery in between."""
        row = self.parts.catalog.objects.get(key)
        assert row is not None
        pieces = self.parts.store.read(row.stored, 0, row.size_bytes)
        return b"".join([bytes(piece) async for piece in pieces])


StartOrigin = Callable[..., AbstractAsyncContextManager[RunningOrigin]]


@pytest.fixture
def start_origin(tmp_path: Path) -> StartOrigin:
    """Start an origin over this test's directory; again, to see what a restart keeps."""
    clock = FakeClock()

    @asynccontextmanager
    async def start(
        topology: Topology | None = None, open_uploads: bool = True, **settings: Any
    ) -> AsyncIterator[RunningOrigin]:
        node = OriginNode(
            name="origin-1",
            listen=Address("127.0.0.1", 0),
            data=str(tmp_path / "data"),
            extent_bytes=EXTENT_BYTES,
            **settings,
        )
        app = await build_origin(node, topology or Topology(), open_uploads=open_uploads, now=clock)
        async with (
            serve(app, "127.0.0.1", 0, grace_seconds=1) as listening,
            ClientSession(listening.url) as client,
        ):
            yield RunningOrigin(client, app[PARTS], clock, "127.0.0.1", listening.port, app)

    return start


@pytest.fixture
async def origin(start_origin: StartOrigin) -> AsyncIterator[RunningOrigin]:
    """An origin on loopback that takes uploads without a token."""
    async with start_origin() as running:
        yield running


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

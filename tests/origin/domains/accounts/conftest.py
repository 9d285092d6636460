"""The accounts of a real origin, and what its handlers stand on, over both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from config.service import Service
from config.topology import Topology
from origin.catalog.database import Database, open_database, parse_database_url
from origin.domains.accounts.app import make_ground
from origin.domains.accounts.following import catch_up
from origin.domains.accounts.ground import Ground
from tests.helpers.clock import FakeClock
from tests.helpers.people import CHEAP, Person, register, sign_in
from tests.origin.conftest import RunningOrigin, StartOrigin

SITE = "https://films.example"


@dataclass(frozen=True, slots=True)
class House:
    """An origin with people."""

    origin: RunningOrigin

    @property
    def database(self) -> Database:
        """Its rows."""
        return self.origin.parts.catalog.database

    @property
    def clock(self) -> FakeClock:
        """Its time."""
        return self.origin.clock

    def nobody(self) -> Person:
        """Somebody who is not signed in."""
        return Person(self.origin.client, "")

    async def register(self, email: str) -> Person:
        """A new account, signed in."""
        return await register(self.origin.client, self.database, email)

    async def sign_in(self, email: str) -> Person:
        """One more device."""
        return await sign_in(self.origin.client, email)


OpenHouse = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def open_house(start_origin: StartOrigin, database_url: str) -> OpenHouse:
    """Start an origin with accounts; keywords change their settings."""

    @asynccontextmanager
    async def open_house(url: str = database_url, **changes: Any) -> AsyncIterator[House]:
        service = Service(url=SITE, accounts=replace(CHEAP, **changes))
        topology = Topology(service=service)
        async with start_origin(topology, open_uploads=False, database=url) as origin:
            yield House(origin)

    return open_house


@pytest.fixture
async def house(open_house: OpenHouse) -> AsyncIterator[House]:
    """An origin with accounts."""
    async with open_house() as opened:
        yield opened


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Rows alone."""
    opened = await open_database(parse_database_url(database_url, Path()))
    yield opened
    await opened.close()


def ground_on(database: Database, clock: FakeClock) -> Ground:
    """One origin's ground over a database."""
    return make_ground(CHEAP, database, SITE, lambda request: "192.0.2.1", clock)


@pytest.fixture
async def ground(database: Database, clock: FakeClock) -> Ground:
    """What handlers stand on, with a key to sign with."""
    made = ground_on(database, clock)
    await catch_up(made)
    return made

"""Of two who ask at once one gets the work, and who lost it finds that out, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from cdnkit.errors import ConflictError
from origin.catalog import claims
from origin.catalog.claims import Claim
from origin.catalog.database import Database, open_database, parse_database_url

ONE = Claim("work", "one", "vm", 1, "here", 1.0, 2.0)
TWO = replace(ONE, token="two", process=2)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(parse_database_url(database_url, Path()))
    yield opened
    await opened.close()


async def take(database: Database, claim: Claim, seen: Claim | None) -> bool:
    async with database.begin() as connection:
        return await claims.take(connection, claim, seen)


async def test_one_of_many_gets_what_nobody_holds_and_what_somebody_left(
    database: Database,
) -> None:
    many = [replace(ONE, token=str(n)) for n in range(5)]
    assert sum(await asyncio.gather(*(take(database, each, None) for each in many))) == 1
    async with database.reading() as connection:
        held = await claims.find(connection, "work")
        assert await claims.find(connection, "other") is None
    assert held in many
    others = [replace(ONE, token=f"later {n}") for n in range(5)]
    assert sum(await asyncio.gather(*(take(database, each, held) for each in others))) == 1


async def test_what_was_renewed_meanwhile_is_not_taken(database: Database) -> None:
    assert await take(database, ONE, None)
    async with database.begin() as connection:
        assert await claims.renew(connection, ONE, 9.0)
    assert not await take(database, TWO, ONE)
    assert await take(database, TWO, replace(ONE, until=9.0))
    async with database.begin() as connection:
        assert not await claims.renew(connection, ONE, 10.0)


async def test_holder_goes_on_and_who_lost_it_does_not(database: Database) -> None:
    assert await take(database, ONE, None)
    async with database.begin() as connection:
        await claims.require(connection, ONE)
        with pytest.raises(
            ConflictError, match="held by process 1 on vm since 1970-01-01 00:00:01"
        ):
            await claims.require(connection, TWO)
        await claims.release(connection, TWO)
        await claims.require(connection, ONE)
        await claims.release(connection, ONE)
        with pytest.raises(ConflictError, match="held by nobody"):
            await claims.require(connection, ONE)

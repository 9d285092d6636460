"""Leases on both databases: counted, kept alive, freed, and never one too many."""

from __future__ import annotations

import asyncio

from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.database import Database
from origin.domains.playback import queries
from origin.domains.playback.rules import Lease


def lease(name: str, seen_at: float = 10.0, account: str = "anna") -> Lease:
    return Lease(name, account, "kid", "film", "Television", 90.0, 5.0, seen_at)


async def test_leases_are_counted_while_they_are_heard_of(database: Database) -> None:
    async with database.begin() as connection:
        for each in (lease("a", 10.0), lease("b", 20.0), lease("c", 20.0, "ben")):
            await queries.add(connection, each)
        assert [each.id for each in await queries.of_account(connection, "anna", 20.0)] == ["b"]
        assert await queries.touch(connection, [("a", 30.0), ("x", 30.0), ("a", 25.0)]) == [
            True,
            False,
            True,
        ]
        found = await queries.of_account(connection, "anna", 20.0)
        assert [(each.id, each.seen_at) for each in found] == [("a", 30.0), ("b", 20.0)]
        await queries.drop_stale(connection, "anna", 30.0)
        assert [each.id for each in await queries.of_account(connection, "anna", 0.0)] == ["a"]
        assert [each.id for each in await queries.of_account(connection, "ben", 0.0)] == ["c"]


async def test_lease_belongs_to_its_account(database: Database) -> None:
    async with database.begin() as connection:
        await queries.add(connection, lease("a"))
        assert await queries.find(connection, "a", "ben") is None
        assert await queries.find(connection, "a", "anna") == lease("a")
        assert not await queries.end(connection, "a", "ben")
        assert await queries.end(connection, "a", "anna")
        await queries.add(connection, lease("b"))
        await queries.erase(connection, "anna")
        assert await queries.of_account(connection, "anna", 0.0) == []


async def test_devices_that_come_at_once_never_pass_the_limit(database: Database) -> None:
    async def take(name: str) -> bool:
        async def work(connection: AsyncConnection) -> bool:
            await queries.lock_account(connection, "anna")
            running = await queries.of_account(connection, "anna", 0.0)
            if len(running) >= 2:
                return False
            await queries.add(connection, lease(name))
            return True

        return await database.transact(work)

    taken = await asyncio.gather(*(take(f"device-{number}") for number in range(8)))
    assert sum(taken) == 2
    async with database.reading() as connection:
        assert len(await queries.of_account(connection, "anna", 0.0)) == 2

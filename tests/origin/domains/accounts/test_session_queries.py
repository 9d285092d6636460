"""Sessions end and are renewed with a number that others see; keys are changed one at a time."""

from __future__ import annotations

import dataclasses

from origin.catalog.database import Database
from origin.domains.accounts import session_queries
from origin.domains.accounts.gate import ENDED
from origin.domains.accounts.records import Session, SigningKey

TV = Session("tv", "anna", "TV", 1.0, 1.0, 100.0, "seed", "hash", 1.0)
PHONE = dataclasses.replace(TV, id="phone", created_at=2.0)


async def test_session_comes_back_as_saved(database: Database) -> None:
    async with database.begin() as connection:
        await session_queries.add_session(connection, TV)
        await session_queries.add_session(connection, PHONE)
        found = await session_queries.list_sessions(connection, "anna", 99.0)
        assert found == [PHONE, TV]
        assert await session_queries.list_sessions(connection, "anna", 100.0) == []
        changed = dataclasses.replace(TV, counter=1, profile="kid")
        await session_queries.save_session(connection, changed)
        assert await session_queries.lock_session(connection, "tv") == changed
        assert await session_queries.lock_session(connection, "other") is None
        await session_queries.sweep_sessions(connection, 100.0)
        assert await session_queries.lock_session(connection, "tv") is None


async def test_revocations_are_numbered_without_gaps(database: Database) -> None:
    async with database.begin() as connection:
        for session in (TV, PHONE):
            await session_queries.add_session(connection, session)
        (renewed,) = await session_queries.renew_sessions(connection, [TV], 50.0)
        assert (renewed.number, renewed.version) == (1, 1)
        ended = await session_queries.end_sessions(connection, [TV, PHONE], 60.0)
        assert [(each.number, each.version) for each in ended] == [(2, ENDED), (3, ENDED)]
        after = session_queries.revocations_after
        assert await after(connection, 1, 10.0) == ended
        assert await after(connection, 0, 55.0) == ended, "the first has no token left to refuse"
        await session_queries.sweep_sessions(connection, 60.0)
        assert await after(connection, 0, 10.0) == []


async def test_keys_come_back_as_they_were(database: Database) -> None:
    key = SigningKey("a", b"\x00\xff", 1.0, 2.0)
    async with database.begin() as connection:
        await session_queries.add_key(connection, key)
        assert await session_queries.lock_keys(connection) == [key]
        await session_queries.drop_keys(connection, ["a"])
        assert await session_queries.list_keys(connection) == []

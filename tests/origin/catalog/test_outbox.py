"""Events wait in their order, are told once, and vanish with the transaction that fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from origin.catalog import outbox
from origin.catalog.database import Database, open_database, parse_database_url
from origin.catalog.outbox import Event


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(parse_database_url(database_url, Path()))
    yield opened
    await opened.close()


async def keys(database: Database, limit: int = 10) -> list[str]:
    async with database.reading() as connection:
        return [posted.event.key for posted in await outbox.waiting(connection, limit)]


async def test_events_wait_in_their_order_until_taken(database: Database) -> None:
    sent = Event("b", "account.verify", "anna", {"link": "x"}, profile="kid")
    async with database.begin() as connection:
        assert await outbox.post(connection, sent, 1.0)
        assert await outbox.post(connection, Event("a", "other", "ben"), 2.0)
        first, second = await outbox.waiting(connection, 10)
    assert (first.at, first.event, second.event.key) == (1.0, sent, "a")
    assert await keys(database, 1) == ["b"]
    async with database.begin() as connection:
        assert await outbox.take(connection, first.number, 3.0)
        assert not await outbox.take(connection, first.number, 4.0)
    assert await keys(database) == ["a"]


async def test_key_that_was_posted_is_not_posted_again_until_forgotten(database: Database) -> None:
    event = Event("a", "kind", "anna")
    async with database.begin() as connection:
        assert await outbox.post(connection, event, 1.0)
        assert not await outbox.post(connection, event, 2.0)
        (posted,) = await outbox.waiting(connection, 10)
        await outbox.take(connection, posted.number, 3.0)
        assert not await outbox.post(connection, event, 4.0)
        assert await outbox.forget_taken(connection, before=3.0) == 0
        assert await outbox.forget_taken(connection, before=3.5) == 1
        assert await outbox.post(connection, event, 5.0)


async def test_event_of_a_failed_transaction_was_never_posted(database: Database) -> None:
    async def fail() -> None:
        async with database.begin() as connection:
            await outbox.post(connection, Event("a", "kind", "anna"), 1.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await keys(database) == []

"""Listeners are woken for their own inbox, by whichever process fills it."""

from __future__ import annotations

from pathlib import Path

from origin.catalog.database import Database, open_database, parse_database_url
from origin.catalog.outbox import Event
from origin.domains.notifications import queries
from origin.domains.notifications.feed import Feed


async def put(database: Database, key: str, account: str) -> None:
    async with database.begin() as connection:
        await queries.add_to_inbox(connection, Event(key, "title.added", account), 1.0)


async def test_listener_is_woken_for_its_own_account(database: Database, database_url: str) -> None:
    feed = Feed(database, 1.0, print)
    other = await open_database(parse_database_url(database_url, Path()))
    try:
        with feed.listening("anna") as anna, feed.listening("ben") as ben:
            await put(other, "a", "anna")
            await feed.look()
            assert (anna.is_set(), ben.is_set()) == (True, False)
            anna.clear()
            await feed.look()
            assert not anna.is_set()
            await put(other, "b", "ben")
            await feed.look()
            assert (anna.is_set(), ben.is_set()) == (False, True)
    finally:
        await other.close()


async def test_closing_lets_everybody_go(database: Database) -> None:
    feed = Feed(database, 1.0, print)
    with feed.listening("anna") as anna:
        feed.close()
        assert anna.is_set()
    assert feed.is_closed

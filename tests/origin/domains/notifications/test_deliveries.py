"""Deliveries are made once, held by one, and keep no secret when they are over."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa

from origin.catalog.database import Database, open_database, parse_database_url
from origin.catalog.outbox import Event, Posted
from origin.domains.notifications import deliveries, queries, tables
from origin.domains.notifications.kinds import Channel
from origin.domains.notifications.queries import Device
from origin.domains.notifications.rules import Following, State

ALL = frozenset(Channel)
RESET = Posted(1, 100.0, Event("k1", "account.reset", "anna", {"link": "https://films/secret"}))
ADDED = Posted(2, 100.0, Event("k2", "title.added", "anna", {"title": "T"}))


async def spread(database: Database, *posted: Posted) -> None:
    async with database.begin() as connection:
        for each in posted:
            await deliveries.spread(connection, each, ALL, 100.0)


async def hold(database: Database, holder: str, now: float, limit: int = 10) -> list[str]:
    async with database.begin() as connection:
        held = await deliveries.hold(connection, holder, now, now + 60, limit)
    return [each.event_key for each in held]


async def test_event_that_is_spread_twice_is_delivered_once(database: Database) -> None:
    await spread(database, RESET, RESET)
    assert await hold(database, "one", 100.0) == ["k1"]
    assert await hold(database, "two", 100.0) == []


async def test_each_device_gets_its_own_delivery_by_channels_that_are_on(
    database: Database,
) -> None:
    async with database.begin() as connection:
        for name in ("d1", "d2"):
            device = Device(name, "anna", f"https://push/{name}", "p", "a")
            await queries.add_device(connection, device, 1.0)
    await spread(database, ADDED)
    async with database.begin() as connection:
        states = await deliveries.states_of(connection, "k2")
        assert states == [("push", State.WAITING)] * 2
        await deliveries.spread(connection, RESET, frozenset({Channel.INBOX}), 100.0)
        assert await deliveries.states_of(connection, "k1") == []


async def test_hold_ends_and_who_comes_back_late_changes_nothing(database: Database) -> None:
    await spread(database, RESET)
    async with database.begin() as connection:
        (first,) = await deliveries.hold(connection, "one", 100.0, 160.0, 10)
    assert await hold(database, "two", 159.0) == []
    assert await hold(database, "two", 160.0) == ["k1"]
    sent = Following(State.SENT, 161.0, "")
    async with database.begin() as connection:
        assert not await deliveries.settle(connection, first, "one", sent)
        assert await deliveries.settle(connection, first, "two", sent)
        assert not await deliveries.any_due(connection, 10_000.0)


async def test_delivery_that_is_over_keeps_no_link(database: Database) -> None:
    await spread(database, RESET)
    payload = sa.select(tables.deliveries.c.payload)
    for state, kept in ((State.WAITING, {"link": "https://films/secret"}), (State.SENT, {})):
        async with database.begin() as connection:
            (held,) = await deliveries.hold(connection, "one", 200.0, 200.0, 10)
            await deliveries.settle(connection, held, "one", Following(state, 150.0, "later"))
            assert (await connection.execute(payload)).scalar_one() == kept


async def test_two_processes_that_ask_together_share_what_is_due(
    database: Database, database_url: str
) -> None:
    events = [
        Posted(number, 100.0, Event(f"k{number}", "account.reset", "anna", {}))
        for number in range(40)
    ]
    await spread(database, *events)
    other = await open_database(parse_database_url(database_url, Path()))
    try:
        asked = [hold(each, name, 100.0, 5) for name in "abcd" for each in (database, other)]
        found = [key for keys in await asyncio.gather(*asked) for key in keys]
    finally:
        await other.close()
    assert len(found) == len(set(found)) == 40

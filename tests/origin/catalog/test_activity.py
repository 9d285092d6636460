"""The log takes each event once, in an order that readers can cut anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from origin.catalog.activity import Event, Kind, Outcome, append, newest_number
from origin.catalog.database import Database, migrate, open_database, parse_database_url
from origin.catalog.tables import activity, unrecorded


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(parse_database_url(database_url, Path()))
    yield opened
    await opened.close()


def event(name: str, profile: str = "kid") -> Event:
    return Event(name, Kind.PLAY, 5.0, "anna", profile, "film", "DE", 1.0, 2.0)


async def say(database: Database, *events: Event) -> list[Outcome]:
    async with database.begin() as connection:
        return await append(connection, events)


async def kept(database: Database, after: int = 0) -> list[tuple[int, str]]:
    statement = sa.select(activity.c.number, activity.c.event).order_by(activity.c.number)
    async with database.reading() as connection:
        rows = await connection.execute(statement.where(activity.c.number > after))
        return [(row.number, row.event) for row in rows]


async def test_events_are_kept_whole_and_in_the_order_they_came(database: Database) -> None:
    rated = Event("b", Kind.RATE, 6.5, "anna", "kid", "film", value=4.5)
    looked = Event("a", Kind.SEARCH, 7.0, "anna", "kid", words="heist films")
    assert await say(database, event("c"), rated, looked) == [Outcome.ACCEPTED] * 3
    async with database.reading() as connection:
        rows = await connection.execute(sa.select(activity).order_by(activity.c.number))
        found = [{**row._mapping} for row in rows]
        assert found[-1].pop("number") == await newest_number(connection)
    for row in found:
        row.pop("number", None)
        row["kind"] = Kind(row["kind"])
    assert [Event(**row) for row in found] == [event("c"), rated, looked]


async def test_event_is_kept_once_whether_it_comes_again_soon_or_later(database: Database) -> None:
    first = await say(database, event("a"), event("b"), event("a"))
    assert first == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.DUPLICATE]
    again = await say(database, event("b"), event("c"), event("a"))
    assert again == [Outcome.DUPLICATE, Outcome.ACCEPTED, Outcome.DUPLICATE]
    assert [name for _, name in await kept(database)] == ["a", "b", "c"]
    assert await say(database) == []


async def test_profile_that_wants_nothing_kept_has_nothing_kept(database: Database) -> None:
    async with database.begin() as connection:
        await connection.execute(sa.insert(unrecorded), [{"profile": "shy", "account": "anna"}])
    said = await say(database, event("a", "shy"), event("b"))
    assert said == [Outcome.UNRECORDED, Outcome.ACCEPTED]
    assert [name for _, name in await kept(database)] == ["b"]


async def test_transaction_that_fails_keeps_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.begin() as connection:
            await append(connection, [event("a")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await kept(database) == []
    assert await say(database, event("a")) == [Outcome.ACCEPTED]


async def test_reader_that_has_seen_a_number_has_seen_all_below_it(database: Database) -> None:
    """Many writers at once, and a reader that only ever goes on from the highest it has seen."""
    writers = 8

    async def write(writer: int) -> None:
        for lot in range(5):
            events = [event(f"{writer}-{lot}-{number}") for number in range(1 + writer % 3)]
            await database.transact(partial(append, events=events))

    seen: list[tuple[int, str]] = []
    tasks = [asyncio.create_task(write(writer)) for writer in range(writers)]
    while not all(task.done() for task in tasks):
        seen += await kept(database, seen[-1][0] if seen else 0)
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    seen += await kept(database, seen[-1][0] if seen else 0)
    assert seen == await kept(database)
    assert len(seen) == 5 * sum(1 + writer % 3 for writer in range(writers))


async def test_numbers_of_events_that_are_gone_are_not_used_again(database: Database) -> None:
    await say(database, event("a"), event("b"))
    async with database.begin() as connection:
        last = await newest_number(connection)
        await connection.execute(sa.delete(activity))
        assert await newest_number(connection) == 0
    await say(database, event("c"))
    assert (await kept(database))[0][0] > last


async def test_schema_goes_up_and_down_with_streams_and_events_in_it(database: Database) -> None:
    lease = (
        "INSERT INTO leases (id, account, profile, title_id, device, duration_seconds, "
        "started_at, seen_at) VALUES ('s', 'anna', 'kid', 'film', 'tv', 90.0, 1.0, 2.0)"
    )
    kept_lease = sa.text("SELECT id, account, profile, seen_at FROM leases")

    async with database.begin() as connection:
        await connection.run_sync(migrate, "0011")
        await connection.execute(sa.text(lease))
        await connection.run_sync(migrate, "head")
        regions = await connection.execute(sa.text("SELECT region FROM leases"))
        assert regions.scalars().all() == [""]
    await say(database, event("a"))
    async with database.begin() as connection:
        await connection.run_sync(migrate, "0011")
        assert (await connection.execute(kept_lease)).all() == [("s", "anna", "kid", 2.0)]
        await connection.run_sync(migrate, "head")
        assert (await connection.execute(kept_lease)).all() == [("s", "anna", "kid", 2.0)]
    assert await kept(database) == []
    await say(database, event("a"))
    assert len(await kept(database)) == 1

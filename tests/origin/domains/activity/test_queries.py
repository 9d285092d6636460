"""What is kept of whom: listed, exported, forgotten, erased and swept on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from origin.catalog.activity import Event, Kind, append
from origin.catalog.database import Database
from origin.catalog.tables import activity
from origin.domains.activity import queries


def event(name: str, profile: str = "kid", account: str = "anna", at: float = 5.0) -> Event:
    return Event(name, Kind.STOP, at, account, profile, "film")


@pytest.fixture
async def filled(database: Database) -> Database:
    async with database.begin() as connection:
        some = [event(f"k{number}", at=float(number)) for number in range(5)]
        await append(connection, [*some, event("m", "mum"), event("b", "ben", "ben")])
        await queries.set_recorded(connection, "anna", "shy", recorded=False)
        await queries.set_recorded(connection, "ben", "ben", recorded=False)
    return database


async def names(database: Database) -> list[str]:
    async with database.reading() as connection:
        rows = await connection.execute(sa.select(activity.c.event).order_by(activity.c.number))
        return list(rows.scalars())


async def test_events_of_a_profile_are_listed_newest_first(filled: Database) -> None:
    async with filled.reading() as connection:
        first = await queries.list_events(connection, "kid", None, 2)
        assert [row.event for row in first] == ["k4", "k3"]
        rest = await queries.list_events(connection, "kid", first[-1].number, 10)
        assert [row.event for row in rest] == ["k2", "k1", "k0"]


async def test_export_has_everything_of_an_account_and_nothing_of_others(filled: Database) -> None:
    async with filled.reading() as connection:
        found = await queries.export(connection, "anna")
    assert [row["event"] for row in found["events"]] == ["k0", "k1", "k2", "k3", "k4", "m"]
    assert set(found["events"][0]) == set(activity.c.keys())
    assert found["unrecorded_profiles"] == ["shy"]


async def test_erasing_takes_an_account_or_a_profile_and_leaves_others(filled: Database) -> None:
    async with filled.begin() as connection:
        await queries.erase_profile(connection, "kid")
        await queries.erase_profile(connection, "shy")
        assert await queries.is_recorded(connection, "shy")
    assert await names(filled) == ["m", "b"]
    async with filled.begin() as connection:
        await queries.erase(connection, "ben")
        assert await queries.is_recorded(connection, "ben")
    assert await names(filled) == ["m"]


async def test_wish_not_to_be_recorded_may_be_said_twice_and_taken_back(filled: Database) -> None:
    async with filled.begin() as connection:
        assert not await queries.is_recorded(connection, "shy")
        assert await queries.is_recorded(connection, "kid")
        await queries.set_recorded(connection, "anna", "shy", recorded=False)
        await queries.set_recorded(connection, "anna", "shy", recorded=True)
        assert await queries.is_recorded(connection, "shy")


async def test_sweep_takes_what_is_old_a_portion_at_a_time(filled: Database) -> None:
    async with filled.begin() as connection:
        assert await queries.sweep(connection, 3.0, limit=2) == 2
        assert await queries.sweep(connection, 3.0, limit=2) == 1
        assert await queries.sweep(connection, 3.0, limit=2) == 0
    assert await names(filled) == ["k3", "k4", "m", "b"]

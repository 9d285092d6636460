"""Heartbeats and the log of activity are written together, or neither is."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from cdnkit.errors import UnavailableError
from origin.catalog.database import Database
from origin.catalog.tables import activity
from origin.domains.history import queries
from origin.domains.history.keeping import Heartbeats
from origin.domains.history.rules import Heartbeat


def beat(counter: int, position: float, at: float) -> Heartbeat:
    return Heartbeat("anna", "kid", "alien", counter, position, 100.0, at, "s1", "DE")


async def test_each_heartbeat_that_counts_is_in_the_log_once(database: Database) -> None:
    heartbeats = Heartbeats(database, 35.0)
    await heartbeats.keep(beat(1, 10.0, 5.0))
    late, again, newer = beat(1, 3.0, 15.0), beat(2, 19.0, 15.0), beat(2, 19.0, 15.0)
    await asyncio.gather(*(heartbeats.keep(each) for each in (again, late, newer)))
    async with database.reading() as connection:
        rows = (await connection.execute(sa.select(activity).order_by(activity.c.number))).all()
    assert [
        (row.event, row.kind, row.region, row.position_seconds, row.watched_seconds) for row in rows
    ] == [("kid:s1:1", "heartbeat", "DE", 10.0, 0.0), ("kid:s1:2", "heartbeat", "DE", 19.0, 9.0)]


async def test_without_the_log_no_position_moves(database: Database) -> None:
    async with database.begin() as connection:
        await connection.execute(sa.text("DROP TABLE activity"))
    with pytest.raises(UnavailableError):
        await Heartbeats(database, 35.0).keep(beat(1, 10.0, 5.0))
    async with database.reading() as connection:
        assert await queries.find_position(connection, "kid", "alien") is None

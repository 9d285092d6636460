"""The log writes what comes together at once, answers each, and lets go of what is old."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from cdnkit.errors import UnavailableError
from origin.catalog.activity import Event, Kind, Outcome
from origin.catalog.database import Database
from origin.catalog.tables import activity
from origin.domains.activity.keeping import Log
from tests.helpers.clock import FakeClock


def event(name: str, at: float = 5.0) -> Event:
    return Event(name, Kind.STOP, at, "anna", "kid", "film")


async def count(database: Database) -> int:
    async with database.reading() as connection:
        found = await connection.execute(sa.select(sa.func.count()).select_from(activity))
        return int(found.scalar_one())


async def test_each_caller_hears_of_its_own_events(database: Database) -> None:
    log = Log(database, 100.0, print, FakeClock(5.0))
    lots = [[event(f"{lot}-{number}") for number in range(lot)] for lot in range(5)]
    lots.append([event("1-0"), event("new"), event("new")])
    said = await asyncio.gather(*(log.write(lot) for lot in lots))
    assert [len(each) for each in said] == [0, 1, 2, 3, 4, 3]
    assert set().union(*said[:-1]) == {Outcome.ACCEPTED}
    assert said[-1] == [Outcome.DUPLICATE, Outcome.ACCEPTED, Outcome.DUPLICATE]
    assert await count(database) == 11


async def test_what_is_older_than_may_be_kept_goes(database: Database) -> None:
    clock = FakeClock(1000.0)
    log = Log(database, 100.0, print, clock)
    await log.write([event("old", 899.0), event("edge", 900.0), event("new", 1000.0)])
    await log.sweep()
    assert await count(database) == 2
    clock.advance(100.5)
    await log.sweep()
    assert await count(database) == 0


async def test_database_that_is_away_is_told_and_asked_again(database: Database) -> None:
    told: list[str] = []
    heard = asyncio.Event()

    def report(text: str) -> None:
        told.append(text)
        heard.set()

    class Away(Log):
        async def sweep(self) -> None:
            raise UnavailableError("gone")

    work = asyncio.create_task(Away(database, 100.0, report, FakeClock()).run())
    await heard.wait()
    assert told == ["old activity is not removed: gone"]
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)

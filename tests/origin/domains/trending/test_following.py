"""The count follows the log: what is new soon, all of it now and then, and after a pause."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from cdnkit.errors import UnavailableError
from config.service import Trending as Settings
from origin.catalog.activity import Event, Kind, append
from origin.catalog.database import Database
from origin.catalog.tables import activity
from origin.domains.trending.following import RECOUNT_SECONDS, Follower
from tests.helpers.clock import FakeClock

HALF_LIFE = 1000.0
SETTINGS = Settings(half_life_seconds=HALF_LIFE, look_seconds=5.0)


def follower(database: Database, clock: FakeClock) -> Follower:
    return Follower(database, SETTINGS, print, clock)


def scores(count: Follower, region: str) -> dict[str, float]:
    standing = count.standing(region)
    return {title: standing.score(title) for title in standing.order}


def play(name: str, at: float, title: str = "x", profile: str = "", region: str = "DE") -> Event:
    return Event(name, Kind.PLAY, at, "anna", profile or name, title, region)


async def say(database: Database, *events: Event) -> None:
    async with database.begin() as connection:
        await append(connection, events)


def random_plays(chance: random.Random, now: float, lot: int) -> list[Event]:
    return [
        play(
            f"{lot}-{number}",
            now - chance.random() * 12 * HALF_LIFE,
            chance.choice("xyz"),
            chance.choice(["ann", "ben", "cem", "dan"]),
            chance.choice(["DE", "FR", ""]),
        )
        for number in range(30)
    ]


async def test_count_that_grew_is_the_count_of_the_whole_log(database: Database) -> None:
    """Out of order, late and repeated plays; compared with another origin that starts now."""
    chance, clock = random.Random(3), FakeClock(50_000.0)
    grown = follower(database, clock)
    await grown.look()
    for lot in range(12):
        await say(database, *random_plays(chance, clock.now, lot))
        await grown.look()
        clock.advance(chance.random() * 250)  # all in all less than until the next recount
        fresh = follower(database, clock)
        await fresh.look()
        await grown.look()
        for region in ("", "DE", "FR"):
            one, other = scores(grown, region), scores(fresh, region)
            assert one == pytest.approx(other)
            assert one
    assert clock.now - 50_000.0 < RECOUNT_SECONDS


async def test_new_plays_count_at_the_next_look(database: Database) -> None:
    clock = FakeClock(50_000.0)
    count = follower(database, clock)
    await count.look()
    assert count.standing("").order == ()
    await say(database, play("a", clock.now), play("b", clock.now, "y"), play("c", clock.now, "y"))
    assert count.standing("").order == ()
    await count.look()
    assert count.standing("").order == ("y", "x")
    assert scores(count, "DE") == {"x": 1.0, "y": 2.0}
    assert scores(count, "FR") == {}


async def test_standing_grows_old_with_the_clock(database: Database) -> None:
    clock = FakeClock(50_000.0)
    await say(database, play("a", clock.now))
    count = follower(database, clock)
    await count.look()
    clock.advance(4.0)
    assert count.standing("").at == 50_000.0 + 4.0
    clock.advance(4.0)
    assert count.standing("").at == 50_000.0 + 4.0
    clock.advance(HALF_LIFE - 8.0)
    assert scores(count, "") == {"x": pytest.approx(0.5)}


async def test_who_was_erased_counts_until_the_next_recount(database: Database) -> None:
    clock = FakeClock(50_000.0)
    await say(database, play("a", clock.now), play("b", clock.now))
    count = follower(database, clock)
    await count.look()
    async with database.begin() as connection:
        await connection.execute(sa.delete(activity).where(activity.c.profile == "a"))
    await count.look()
    assert scores(count, "") == {"x": 2.0}
    clock.advance(RECOUNT_SECONDS)
    await count.look()
    assert scores(count, "") == {"x": pytest.approx(2 ** (-RECOUNT_SECONDS / HALF_LIFE))}


async def test_database_that_is_away_is_told_once_and_followed_when_it_is_back(
    database: Database,
) -> None:
    told: list[str] = []
    looks: list[int] = []
    done = asyncio.Event()
    fails: Sequence[bool] = (True, True, False, True, False)

    class Shaky(Follower):
        async def look(self) -> None:
            looks.append(len(looks))
            if len(looks) == len(fails):
                done.set()
            if len(looks) <= len(fails) and fails[len(looks) - 1]:
                raise UnavailableError("gone")

    shaky = Shaky(database, Settings(look_seconds=0.0), told.append, FakeClock())
    work = asyncio.create_task(shaky.run())
    await done.wait()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert told == ["what is trending is not counted: gone"] * 2

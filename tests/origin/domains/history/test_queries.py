"""Positions on both databases: never back, newest first, and gone when they should be."""

from __future__ import annotations

import random

from origin.catalog.database import Database
from origin.domains.history import queries
from origin.domains.history.rules import Heartbeat


def beat(counter: int, at: float = 0.0, **more: str) -> Heartbeat:
    who = {"account": "anna", "profile": "kid", "title_id": "film", **more}
    return Heartbeat(
        **who, counter=counter, position_seconds=counter * 10.0, duration_seconds=900.0, at=at
    )


async def save(database: Database, *beats: Heartbeat) -> list[int]:
    """The counters of those that count."""
    async with database.begin() as connection:
        counting = await queries.save_heartbeats(connection, beats, 35.0)
    return [step.heartbeat.counter for step in counting]


async def counters(database: Database, profile: str = "kid") -> list[tuple[str, int, float]]:
    async with database.reading() as connection:
        found = await queries.list_positions(connection, profile, None, 100)
    return [(each.title_id, each.counter, each.position_seconds) for each in found]


async def test_late_and_repeated_heartbeats_move_nobody_back(database: Database) -> None:
    chance = random.Random(7)
    beats = [beat(counter) for counter in range(1, 21)] * 2
    chance.shuffle(beats)
    while beats:
        some, beats = beats[: chance.randrange(1, 6)], beats[5:]
        await save(database, *some)
    assert await save(database, beat(20), beat(3), beat(19)) == []
    assert await counters(database) == [("film", 20, 200.0)]
    repeated = Heartbeat("anna", "kid", "film", 20, 1.0, 900.0, 5.0)
    await save(database, repeated)
    assert await counters(database) == [("film", 20, 200.0)]


async def test_heartbeats_that_count_are_told_with_what_was_watched_since(
    database: Database,
) -> None:
    assert await save(database, beat(2, 10.0), beat(1, 11.0), beat(4, 20.0)) == [2, 4]
    async with database.begin() as connection:
        found = await queries.save_heartbeats(connection, [beat(5, 24.0), beat(5, 25.0)], 35.0)
    assert [(step.heartbeat.at, step.watched_seconds) for step in found] == [(24.0, 4.0)]


async def test_history_is_listed_newest_first_and_by_profile(database: Database) -> None:
    await save(database, beat(1, 1.0, title_id="a"), beat(1, 3.0, title_id="b"))
    await save(database, beat(1, 2.0, title_id="c"), beat(1, 9.0, profile="other"))
    assert [title for title, _, _ in await counters(database)] == ["b", "c", "a"]
    async with database.reading() as connection:
        older = await queries.list_positions(connection, "kid", 3.0, 1)
        assert [each.title_id for each in older] == ["c"]
        found = await queries.find_position(connection, "other", "film")
        assert found is not None
        assert found.at == 9.0
        assert await queries.find_position(connection, "other", "b") is None


async def test_hidden_title_comes_back_when_it_is_watched_again(database: Database) -> None:
    await save(database, beat(1))
    async with database.begin() as connection:
        assert await queries.hide_title(connection, "kid", "film")
        assert not await queries.hide_title(connection, "kid", "other")
        hidden = await queries.find_position(connection, "kid", "film")
    assert hidden is not None
    assert hidden.hidden
    await save(database, beat(2))
    async with database.reading() as connection:
        shown = await queries.find_position(connection, "kid", "film")
    assert shown is not None
    assert not shown.hidden


async def test_titles_profiles_and_accounts_are_forgotten_apart(database: Database) -> None:
    await save(database, beat(1, title_id="a"), beat(1, title_id="b"), beat(1, profile="x"))
    await save(database, beat(1, account="ben", profile="ben"))
    async with database.begin() as connection:
        assert await queries.forget(connection, "kid", "a") == 1
        assert await queries.forget(connection, "kid", "a") == 0
        assert len(await queries.export(connection, "anna")) == 2
        assert await queries.forget(connection, "kid", None) == 1
        await queries.erase(connection, "anna")
        assert await queries.export(connection, "anna") == []
        assert len(await queries.export(connection, "ben")) == 1

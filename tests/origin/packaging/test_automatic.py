"""Saved titles and replaced films go on the line by themselves, and nothing else does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cdnkit.errors import ConflictError, UnavailableError
from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url
from origin.catalog.jobs import JobRow, Jobs
from origin.packaging import automatic as automatic_module
from origin.packaging.automatic import Automatic
from origin.packaging.start import advance, receive, retire
from origin.packaging.states import TitleEvent
from origin.store.base import Receipt, StoredObject
from tests.helpers.clock import FakeClock


@dataclass
class World:
    """A real catalog, and a desk at which requests for titles arrive."""

    clock: FakeClock
    catalog: Catalog
    jobs: Jobs
    asked: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def request(self, title_id: str) -> None:
        self.asked.append(title_id)
        self.arrived.set()
        if self.errors:
            raise self.errors.pop(0)

    def automatic(self) -> Automatic:
        return Automatic(self.catalog, self.jobs, self.request)

    async def upload(self, key: str) -> int:
        stored = StoredObject(key, await self.catalog.reserve(key), 1, 65536)
        receipt = Receipt(stored, bytes(32), (1,))
        row, _ = await self.catalog.publish(receipt, "video/mp4", lambda _: None)
        return row.generation

    async def save(self, title_id: str, **members: Any) -> None:
        body = json.dumps({"title": title_id, **members})
        await self.catalog.put_title(title_id, body, lambda _: None)

    async def package(self, title_id: str, key: str, generation: int) -> JobRow | None:
        return await self.jobs.change(
            title_id, lambda row: receive(row, title_id, key, generation, self.clock.now)
        )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = FakeClock()
    catalog = await open_catalog(parse_database_url("", tmp_path), clock)
    yield World(clock, catalog, Jobs(catalog.database, clock))
    await catalog.close()


async def test_saved_title_is_asked_for_only_when_it_names_a_film(world: World) -> None:
    automatic = world.automatic()
    await world.upload("films/a")
    await world.save("a", media="films/a")
    await world.save("b")
    await world.save("c", media="")
    for title_id in ("a", "b", "c", "unknown"):
        await automatic.saved(title_id, True)
    assert world.asked == ["a"]


async def test_refused_request_does_not_fail_the_save(world: World) -> None:
    world.errors = [ConflictError("not stored")]
    await world.upload("films/a")
    await world.save("a", media="films/a")
    await world.automatic().saved("a", False)
    assert world.asked == ["a"]


async def test_replaced_film_is_asked_for_with_every_title_that_it_plays_in(world: World) -> None:
    generation = await world.upload("films/a")
    other = await world.upload("films/b")
    await world.package("one", "films/a", generation)
    await world.package("two", "films/a", generation)
    await world.package("three", "films/b", other)
    automatic = world.automatic()
    await world.upload("films/a")
    await automatic.catch_up()
    assert sorted(world.asked) == ["one", "two"]
    await automatic.catch_up()
    assert len(world.asked) == 2


async def test_film_that_is_already_on_the_line_is_not_asked_for_again(world: World) -> None:
    automatic = world.automatic()
    await world.package("a", "films/a", await world.upload("films/a"))
    await automatic.catch_up()
    assert world.asked == []


async def test_changes_before_the_start_deletions_and_packages_are_passed_over(
    world: World,
) -> None:
    await world.package("a", "films/a", await world.upload("films/a"))
    await world.upload("films/a")
    automatic = world.automatic()
    await world.catalog.delete("films/a", lambda _: None)
    await world.package("b", "play/b/1/film.mp4", 99)
    await world.upload("play/b/1/film.mp4")
    await automatic.catch_up()
    assert world.asked == []


async def test_refusal_of_one_title_does_not_keep_the_next_from_being_asked(world: World) -> None:
    for title_id in ("one", "two"):
        await world.package(title_id, "films/a", 1)
    automatic = world.automatic()
    await world.upload("films/b")
    await world.upload("films/a")
    await world.upload("films/a")
    world.errors = [ConflictError("no")] * 2
    await automatic.catch_up()
    assert sorted(world.asked) == ["one", "two"]


async def test_change_whose_rows_could_not_be_read_is_looked_at_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.package("a", "films/a", await world.upload("films/a"))
    automatic = world.automatic()
    await world.upload("films/a")

    async def fail(key: str) -> list[JobRow]:
        raise UnavailableError("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(world.jobs, "by_source", fail)
        with pytest.raises(UnavailableError):
            await automatic.catch_up()
    assert world.asked == []
    await automatic.catch_up()
    assert world.asked == ["a"]


async def test_follower_outlives_a_database_that_is_away_for_a_moment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(automatic_module, "_PAUSE_SECONDS", 0.0)
    await world.package("a", "films/a", await world.upload("films/a"))
    automatic = world.automatic()
    by_source = world.jobs.by_source
    failures = [UnavailableError("the database is away")]

    async def unsteady(key: str) -> list[JobRow]:
        if failures:
            raise failures.pop()
        return await by_source(key)

    monkeypatch.setattr(world.jobs, "by_source", unsteady)
    task = asyncio.create_task(automatic.run())
    await world.upload("films/a")
    async with asyncio.timeout(5):
        await world.arrived.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert (world.asked, failures) == (["a"], [])


async def test_what_happened_before_the_start_is_found_by_looking_through(world: World) -> None:
    for title_id in [f"t{number:03}" for number in range(250)]:
        await world.save(title_id)
    generation = await world.upload("films/a")
    await world.save("done", media="films/a")
    await world.package("done", "films/a", generation)
    await world.save("never", media="films/a")
    await world.save("gone", media="films/gone")
    await world.package("zz-replaced", "films/b", await world.upload("films/b"))
    await world.save("zz-replaced", media="films/b")
    await world.upload("films/b")
    await world.automatic().look_through()
    assert world.asked == ["never", "zz-replaced"]


async def test_retired_title_stays_retired_until_somebody_asks(world: World) -> None:
    await world.save("a", media="films/a")
    await world.package("a", "films/a", await world.upload("films/a"))
    await world.jobs.change("a", lambda row: retire(row, "a", world.clock.now))
    automatic = world.automatic()
    await world.upload("films/a")
    await automatic.catch_up()
    await automatic.saved("a", False)
    await automatic.look_through()
    assert world.asked == []


async def test_new_title_of_a_retired_name_is_packaged(world: World) -> None:
    await world.save("a", media="films/a")
    await world.package("a", "films/a", await world.upload("films/a"))
    await world.jobs.change("a", lambda row: retire(row, "a", world.clock.now))
    await world.automatic().saved("a", True)
    assert world.asked == ["a"]


async def test_refused_film_is_tried_again_with_its_next_upload_only(world: World) -> None:
    await world.save("a", media="films/a")
    await world.package("a", "films/a", await world.upload("films/a"))
    await world.jobs.change(
        "a", lambda row: row and advance(row, TitleEvent.REFUSE, world.clock.now, reason="no")
    )
    automatic = world.automatic()
    await automatic.saved("a", False)
    await automatic.look_through()
    assert world.asked == []
    await world.upload("films/a")
    await automatic.catch_up()
    assert world.asked == ["a"]

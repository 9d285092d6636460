"""The line moves rows along, tries again what failed by us, and gives way to newer uploads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cdnkit.errors import UnavailableError
from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url
from origin.catalog.jobs import NEVER, JobRow, Jobs
from origin.packaging import line as line_module
from origin.packaging.boxes import UnplayableError
from origin.packaging.conversation import WorkerError
from origin.packaging.line import RETRY_SECONDS, WORKER_ATTEMPTS_MAX, Line, Pace
from origin.packaging.start import receive, retire
from origin.store.base import Receipt, StoredObject
from tests.helpers.clock import FakeClock


@dataclass
class Script:
    """Steps that do as they are told."""

    catalog: Catalog
    errors: list[Exception] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    during: Callable[[], Any] | None = None
    done: list[str] = field(default_factory=list)
    placed: asyncio.Event = field(default_factory=asyncio.Event)

    async def _do(self, name: str) -> None:
        self.done.append(name)
        if self.during is not None:
            during, self.during = self.during, None
            await during()
        if self.errors:
            raise self.errors.pop(0)

    async def verify(self, row: JobRow, progress: Callable[[float], None]) -> dict[str, Any]:
        await self._do("verify")
        return {"codecs": "x"}

    async def package(self, row: JobRow, progress: Callable[[float], None]) -> dict[str, Any]:
        await put(self.catalog, f"play/a/{row.revision}/film.mp4")
        await self._do("package")
        return {"hls": "master.m3u8"}

    async def place(self, row: JobRow) -> str:
        await self._do("place")
        self.placed.set()
        return self.missing.pop(0) if self.missing else ""


async def put(catalog: Catalog, key: str) -> None:
    receipt = Receipt(StoredObject(key, await catalog.reserve(key), 1, 65536), bytes(32), (1,))
    await catalog.publish(receipt, "video/mp4", lambda _: None)


@dataclass
class World:
    """A line over a real database."""

    clock: FakeClock
    catalog: Catalog
    jobs: Jobs
    script: Script
    line: Line

    async def start(self, generation: int = 1) -> None:
        await self.jobs.change(
            "a", lambda current: receive(current, "a", "films/a", generation, self.clock.now)
        )

    async def work(self) -> JobRow:
        while await self.line.take_one():
            pass
        row = await self.jobs.find("a")
        assert row is not None
        return row

    def keys(self) -> list[str]:
        return [row.key for row in self.catalog.objects.page(limit=100)[0]]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = FakeClock()
    catalog = await open_catalog(parse_database_url("", tmp_path), clock)
    jobs = Jobs(catalog.database, clock)
    script = Script(catalog)
    yield World(clock, catalog, jobs, script, Line(catalog, jobs, script, Pace("w"), clock))
    await catalog.close()


async def test_title_goes_all_the_way(world: World) -> None:
    await world.start()
    row = await world.work()
    assert world.script.done == ["verify", "package", "place"]
    assert (row.state, row.leased_until, row.worker) == ("published", NEVER, "")
    assert row.published["hls"] == "play/a/1/master.m3u8"
    assert row.package == {}


async def test_film_that_cannot_be_played_is_refused_with_the_reason(world: World) -> None:
    world.script.errors = [UnplayableError("no pictures")]
    await world.start()
    row = await world.work()
    assert (row.state, row.reason, row.leased_until) == ("refused", "no pictures", NEVER)


async def test_trouble_of_ours_is_tried_again_later_and_later(world: World) -> None:
    world.script.errors = [UnavailableError("full") for _ in range(8)]
    await world.start()
    for attempt in range(8):
        row = await world.work()
        assert (row.state, row.attempts, row.reason) == ("received", attempt + 1, "full")
        delay = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
        assert row.leased_until == world.clock.now + delay
        world.clock.advance(delay)
    assert (await world.work()).state == "published"


async def test_film_of_which_the_process_dies_is_refused_in_the_end(world: World) -> None:
    world.script.errors = [WorkerError("died") for _ in range(WORKER_ATTEMPTS_MAX)]
    await world.start()
    for _ in range(WORKER_ATTEMPTS_MAX):
        row = await world.work()
        world.clock.advance(3600)
    assert (row.state, row.reason) == ("refused", "died")


async def test_package_waits_until_edges_hold_it(world: World) -> None:
    world.script.missing = ["1 of 2 edges hold the first blocks"]
    await world.start()
    row = await world.work()
    assert (row.state, row.reason) == ("packaged", "1 of 2 edges hold the first blocks")
    assert not row.published
    world.clock.advance(RETRY_SECONDS[0])
    assert (await world.work()).state == "published"


async def test_replaced_package_stays_for_those_who_watch_it(world: World) -> None:
    await world.start()
    await world.work()
    await world.start(generation=2)
    row = await world.work()
    assert row.published["revision"] == 2
    assert world.keys() == ["play/a/1/film.mp4", "play/a/2/film.mp4"]
    world.clock.advance(6 * 3600)
    row = await world.work()
    assert world.keys() == ["play/a/2/film.mp4"]
    assert (row.state, row.leased_until, row.published["replaced"]) == ("published", NEVER, [])


async def test_newer_upload_wins_and_leaves_nothing_of_the_older(world: World) -> None:
    async def replaced() -> None:
        world.script.during = lambda: world.start(generation=2)

    world.script.during = replaced  # while verifying: let packaging be interrupted
    await world.start()
    row = await world.work()
    assert (row.state, row.revision) == ("published", 2)
    assert world.keys() == ["play/a/2/film.mp4"]


async def test_title_retired_while_it_is_packaged_leaves_nothing(world: World) -> None:
    async def retired() -> None:
        await world.jobs.change("a", lambda row: retire(row, "a", world.clock.now))

    async def later() -> None:
        world.script.during = retired

    world.script.during = later
    await world.start()
    row = await world.work()
    assert (row.state, row.leased_until) == ("retired", NEVER)
    assert world.keys() == []


async def test_newer_upload_leaves_nothing_of_a_package_that_waited_for_edges(
    world: World,
) -> None:
    await world.start()
    await world.work()
    world.script.missing = ["0 of 1 edges hold the first blocks"]
    await world.start(generation=2)
    assert (await world.work()).state == "packaged"
    await world.start(generation=3)
    row = await world.work()
    assert (row.state, row.published["revision"]) == ("published", 3)
    assert world.keys() == ["play/a/1/film.mp4", "play/a/3/film.mp4"]


async def test_title_that_starts_again_before_it_is_cleared_leaves_nothing(world: World) -> None:
    await world.start()
    await world.work()
    await world.jobs.change("a", lambda row: retire(row, "a", world.clock.now))
    await world.start()
    assert (await world.work()).revision == 2
    assert world.keys() == ["play/a/2/film.mp4"]


@pytest.mark.parametrize("refusing", ["package", "place"])
async def test_film_that_is_refused_late_leaves_nothing(world: World, refusing: str) -> None:
    async def refuse() -> None:
        if world.script.done[-1] == refusing:
            raise UnplayableError("cut short")
        world.script.during = refuse

    world.script.during = refuse
    await world.start()
    row = await world.work()
    assert (row.state, row.reason, row.leased_until) == ("refused", "cut short", NEVER)
    assert world.script.done[-1] == refusing
    assert world.keys() == []


async def test_long_step_ends_when_its_row_is_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_module, "PROGRESS_SECONDS", 0.01)
    never = asyncio.Event()

    async def endless() -> None:
        await world.start(generation=2)
        await never.wait()

    world.script.during = endless
    await world.start()
    assert await world.line.take_one()
    row = await world.jobs.find("a")
    assert row is not None
    assert (row.revision, row.state) == (2, "received")


async def test_line_that_is_told_to_stop_while_a_lost_step_ends_stops(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_module, "PROGRESS_SECONDS", 0.01)
    never = asyncio.Event()

    async def endless() -> None:
        await world.start(generation=2)
        try:
            await never.wait()
        finally:
            taking.cancel()

    world.script.during = endless
    await world.start()
    taking = asyncio.create_task(world.line.take_one())
    with pytest.raises(asyncio.CancelledError):
        await taking


async def test_lease_is_renewed_and_progress_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_module, "PROGRESS_SECONDS", 0.01)
    seen: list[float] = []

    async def slow() -> None:
        world.clock.advance(30)
        while not seen:
            row = await world.jobs.find("a")
            assert row is not None
            if row.leased_until == world.clock.now + line_module.LEASE_SECONDS:
                seen.append(row.leased_until)

    world.script.during = slow
    await world.start()
    assert await world.line.take_one()
    assert seen


async def test_line_works_when_woken_and_stops_when_told(world: World) -> None:
    task = asyncio.create_task(world.line.run())
    await world.start()
    world.line.wake()
    async with asyncio.timeout(5):
        await world.script.placed.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def test_restart_takes_up_what_was_left(world: World) -> None:
    await world.start()
    assert await world.jobs.claim("w", 1e6) is not None
    assert not await world.line.take_one()
    task = asyncio.create_task(world.line.run())
    async with asyncio.timeout(5):
        await world.script.placed.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

"""From a log to what viewers are shown; killed after any stage, nothing is shown by half."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from ibis.expr.types import Table

from cdnkit.errors import ConflictError, DigestMismatchError, UnavailableError
from origin.batch import shelf
from origin.batch.claiming import LEASE_SECONDS, Worker, claimed
from origin.batch.destination import Destination, Folder
from origin.batch.engines import DuckDb, Engine
from origin.batch.job import Clocks, Job
from origin.batch.saving import Wish
from origin.catalog import recommended
from origin.catalog.database import Database
from origin.catalog.recommended import CONTROL, TRIAL
from tests.helpers.activity_log import add_events, add_titles, event, made_events, made_titles
from tests.helpers.clock import FakeClock

EVENTS = made_events(240, profiles=8, title_count=30, days=3)


class Failing:
    """An engine that is killed when it is asked for its nth batch."""

    name = DuckDb.name
    schemes = DuckDb.schemes

    def __init__(self, batches: int) -> None:
        self._engine = DuckDb()
        self._left = batches

    def table(self, name: str, urls: Sequence[str]) -> Table:
        return self._engine.table(name, urls)

    def keep(self, name: str, expression: Table) -> Table:
        return self._engine.keep(name, expression)

    def batches(self, expression: Table) -> Iterator[pa.RecordBatch]:
        for batch in self._engine.batches(expression):
            if not self._left:
                raise UnavailableError("killed")
            self._left -= 1
            yield batch

    def close(self) -> None:
        self._engine.close()


@pytest.fixture
async def filled(small: Database) -> Database:
    async with small.begin() as connection:
        await add_titles(connection, made_titles(30))
        await add_events(connection, EVENTS)
    return small


def job_of(database: Database, place: Destination, clock: FakeClock, label: str = CONTROL) -> Job:
    return Job(database, place, Wish(label=label), Clocks(clock, clock))


async def shown(database: Database, profile: str, label: str = CONTROL) -> Any:
    async with database.reading() as connection:
        return await recommended.find_shown(connection, label, profile, "DE")


async def test_every_profile_is_shown_what_it_has_not_seen(
    filled: Database, tmp_path: Path
) -> None:
    clock = FakeClock()
    job = job_of(filled, Folder(tmp_path), clock)
    run = await job.run(DuckDb)
    assert [stage.name for stage in job.stages] == [
        *["snapshot", "engine", "inputs", "generator", "quality", "rows", "promotion"]
    ]
    async with filled.reading() as connection:
        (known,) = await recommended.list_runs(connection)
    assert known.detail["engine"] == "duckdb"
    assert known.detail["inputs"]["events"] == len(EVENTS)
    assert [stage["name"] for stage in known.detail["stages"]] == [
        *["snapshot", "engine", "inputs", "generator", "quality", "rows"]
    ]
    assert known.detail["quality"]["profiles"] == 8
    watching = ("play", "heartbeat", "rate")
    for number in range(8):
        seen = {
            each["title"]
            for each in EVENTS
            if each["profile"] == f"p{number}" and each["kind"] in watching
        }
        found = await shown(filled, f"p{number}")
        assert (found.run.id, found.run.made_at) == (run, clock.now)
        items = found.own.items
        assert found.own.account == f"a{number // 3}"
        assert items
        assert not seen & {item.title for item in items}
        assert {item.reason for item in items if item.reason} <= {e["title"] for e in EVENTS}
        scores = [item.score for item in items]
        assert scores == sorted(scores, reverse=True)
    stranger = await shown(filled, "nobody")
    assert stranger.own is None
    assert stranger.regional.owner == "DE"


async def test_quality_is_left_out_where_nobody_wants_it(filled: Database, tmp_path: Path) -> None:
    clock = FakeClock()
    wish = Wish(is_judged=False)
    await Job(filled, Folder(tmp_path), wish, Clocks(clock, clock)).run(DuckDb)
    async with filled.reading() as connection:
        (known,) = await recommended.list_runs(connection)
    assert "quality" not in known.detail
    assert "novelty" in known.detail


async def test_empty_log_shows_nothing_and_is_no_mistake(small: Database, tmp_path: Path) -> None:
    job = job_of(small, Folder(tmp_path), FakeClock())
    assert await job.run(DuckDb) == ""
    assert await shown(small, "p0") is None


@pytest.mark.parametrize("batches", range(4))
async def test_killed_in_the_middle_the_old_run_is_shown_and_the_rerun_ends_it(
    filled: Database, tmp_path: Path, batches: int
) -> None:
    place, clock = Folder(tmp_path), FakeClock()
    before = await job_of(filled, place, clock).run(DuckDb)
    clock.advance(60)
    async with filled.begin() as connection:
        await add_events(connection, [event("more", profile="p0", title="t0001")])
    with pytest.raises(UnavailableError, match="killed"):
        await job_of(filled, place, clock).run(lambda: Failing(batches))
    assert (await shown(filled, "p0")).run.id == before
    clock.advance(60)
    after = await job_of(filled, place, clock).run(DuckDb)
    assert (await shown(filled, "p0")).run.id == after != before
    async with filled.reading() as connection:
        runs = await recommended.list_runs(connection)
    assert all(run.is_finished for run in runs)


@pytest.mark.parametrize("ending", [b"", b"!"], ids=["cut-off", "changed"])
async def test_damaged_snapshot_is_refused_by_name_of_its_file_and_the_rerun_writes_it_anew(
    filled: Database, tmp_path: Path, ending: bytes
) -> None:
    place = Folder(tmp_path)

    def damage() -> Engine:
        part = next(shelf.newest_manifest(place).activity_parts())
        place.put(part.path, [shelf.read_whole(place, part.path)[:-1] + ending])
        return DuckDb()

    clock = FakeClock()
    before = await job_of(filled, place, clock).run(DuckDb)
    clock.advance(60)
    with pytest.raises(DigestMismatchError, match=r"activity/day=.*parquet (has|is damaged)"):
        await job_of(filled, place, clock).run(damage)
    assert (await shown(filled, "p0")).run.id == before
    clock.advance(60)
    after = await job_of(filled, place, clock).run(DuckDb)
    assert (await shown(filled, "p0")).run.id == after != before


async def test_trial_is_a_run_of_its_own(filled: Database, tmp_path: Path) -> None:
    place, clock = Folder(tmp_path), FakeClock()
    usual = await job_of(filled, place, clock).run(DuckDb)
    clock.advance(60)
    tried = await job_of(filled, place, clock, TRIAL).run(DuckDb)
    assert (await shown(filled, "p0")).run.id == usual
    assert (await shown(filled, "p0", TRIAL)).run.id == tried


async def test_manifest_that_was_cut_off_is_no_hindrance(filled: Database, tmp_path: Path) -> None:
    place, clock = Folder(tmp_path), FakeClock()
    before = await job_of(filled, place, clock).run(DuckDb)
    path = f"{shelf.newest_manifest(place).id}/{shelf.MANIFEST}"
    place.put(path, [shelf.read_whole(place, path)[:-9]])
    clock.advance(60)
    after = await job_of(filled, place, clock).run(DuckDb)
    assert (await shown(filled, "p0")).run.id == after != before


async def test_job_that_lost_its_claim_shows_nothing(filled: Database, tmp_path: Path) -> None:
    clock = FakeClock()
    place = Folder(tmp_path)
    before = await job_of(filled, place, clock).run(DuckDb)
    clock.advance(60)
    elsewhere = Worker("elsewhere", 1, "")
    loop = asyncio.get_running_loop()

    async def take_over() -> None:
        clock.advance(LEASE_SECONDS + 1)
        async with claimed(filled, clock, elsewhere):
            taken.set()
            await over.wait()

    taken, over = asyncio.Event(), asyncio.Event()

    def open_late() -> Engine:
        thieves.append(asyncio.run_coroutine_threadsafe(take_over(), loop))
        asyncio.run_coroutine_threadsafe(taken.wait(), loop).result(30)
        return DuckDb()

    thieves: list[Future[None]] = []
    with pytest.raises(ConflictError, match="away for too long: it is held by process 1 on else"):
        await job_of(filled, place, clock).run(open_late)
    over.set()
    await asyncio.wrap_future(thieves[0])
    assert (await shown(filled, "p0")).run.id == before

"""Rows of titles on their way: one worker at a time, nothing lost, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from origin.catalog.database import open_database, parse_database_url
from origin.catalog.jobs import NEVER, JobRow, Jobs
from tests.helpers.clock import FakeClock

ROW = JobRow("a", "films/a", 1, 1, "received")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def jobs(database_url: str, clock: FakeClock) -> AsyncIterator[Jobs]:
    database = await open_database(parse_database_url(database_url, Path()))
    yield Jobs(database, clock)
    await database.close()


def waiting(title_id: str, at: float, state: str = "received") -> JobRow:
    return replace(ROW, title_id=title_id, leased_until=at, state=state)


async def test_row_is_kept_whole(jobs: Jobs, clock: FakeClock) -> None:
    row = replace(ROW, progress=0.5, reason="ä", package={"a": [1]}, published={"b": None})
    saved = await jobs.change("a", lambda _: row)
    assert saved == replace(row, updated_at=clock.now)
    assert await jobs.find("a") == saved
    assert await jobs.find("b") is None


async def test_change_sees_the_row_as_it_is_and_may_leave_it(jobs: Jobs) -> None:
    first = await jobs.change("a", lambda current: ROW if current is None else None)
    assert await jobs.change("a", lambda current: None) == first


async def test_longest_waiting_row_is_claimed_once(jobs: Jobs, clock: FakeClock) -> None:
    for title_id, at in (
        ("a", clock.now),
        ("b", clock.now - 5),
        ("c", clock.now + 5),
        ("d", NEVER),
    ):
        await jobs.change(title_id, lambda _, t=title_id, a=at: waiting(t, a))  # type: ignore[misc]
    claimed = [await jobs.claim("w", 60) for _ in range(3)]
    assert [row and row.title_id for row in claimed] == ["b", "a", None]
    assert claimed[0] is not None
    assert (claimed[0].worker, claimed[0].leased_until) == ("w", clock.now + 60)


async def test_lease_that_ran_out_is_taken_up_by_another(jobs: Jobs, clock: FakeClock) -> None:
    await jobs.change("a", lambda _: waiting("a", clock.now))
    assert await jobs.claim("one", 60) is not None
    clock.advance(59)
    assert await jobs.claim("two", 60) is None
    clock.advance(1)
    claimed = await jobs.claim("two", 60)
    assert claimed is not None
    assert claimed.worker == "two"


async def test_restart_frees_what_was_held(jobs: Jobs, clock: FakeClock) -> None:
    await jobs.change("a", lambda _: waiting("a", clock.now))
    await jobs.claim("one", 60)
    await jobs.free("two")
    assert await jobs.claim("one", 60) is None
    await jobs.free("one")
    assert await jobs.claim("one", 60) is not None


async def test_two_who_make_the_same_row_make_one(jobs: Jobs) -> None:
    def make(current: JobRow | None) -> JobRow | None:
        return ROW if current is None else None

    rows = await asyncio.gather(*(jobs.change("a", make) for _ in range(8)))
    assert {row and row.title_id for row in rows} == {"a"}
    assert len(await jobs.page("", "", 10)) == 1


async def test_caller_that_is_cancelled_leaves_no_lock_behind(jobs: Jobs, clock: FakeClock) -> None:
    await jobs.change("a", lambda _: waiting("a", clock.now))
    for steps in range(40):
        task = asyncio.create_task(jobs.change("a", lambda row: row))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(2):
            assert await jobs.find("a") is not None


async def test_pages_are_in_order_and_of_one_state(jobs: Jobs, clock: FakeClock) -> None:
    for title_id, state in (("b", "refused"), ("a", "published"), ("c", "refused")):
        await jobs.change(
            title_id,
            lambda _, t=title_id, s=state: waiting(t, clock.now, s),  # type: ignore[misc]
        )
    assert [row.title_id for row in await jobs.page("", "", 10)] == ["a", "b", "c"]
    assert [row.title_id for row in await jobs.page("refused", "", 10)] == ["b", "c"]
    assert [row.title_id for row in await jobs.page("refused", "b", 10)] == ["c"]
    assert [row.title_id for row in await jobs.by_source("films/a")] != []


async def test_rows_are_found_by_state_prefix_and_name(jobs: Jobs) -> None:
    for title_id in ("a1", "a2", "b1"):
        row = replace(ROW, title_id=title_id, state="published")
        await jobs.change(title_id, partial(lambda row, _: row, row))
    assert [row.title_id for row in await jobs.page("published", "", 9, "a")] == ["a1", "a2"]
    assert await jobs.page("published", "", 9, "A") == []
    assert {row.title_id for row in await jobs.among(["b1", "a2", "none"])} == {"a2", "b1"}
    assert await jobs.among([]) == []

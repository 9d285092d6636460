"""The sweeper goes on, whatever one sweep meets."""

from __future__ import annotations

import asyncio

import pytest

from cdnkit.errors import UnavailableError
from origin.resumable.sweep import sweep_uploads
from tests.origin.resumable.intakes import Site


async def test_sweeping_goes_on_after_trouble(site: Site) -> None:
    row = await site.create(10)
    site.clock.advance(25 * 3600)
    expire, done = site.intake.expire, asyncio.Event()
    reports: list[str] = []
    calls = 0

    async def watched(limit: int = 100) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise UnavailableError("the catalog's database does not answer")
        count = await expire(limit)
        if not count:
            done.set()
        return count

    site.intake.expire = watched  # type: ignore[method-assign]
    task = asyncio.create_task(sweep_uploads(site.intake, reports.append, interval_seconds=0))
    await asyncio.wait_for(done.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reports == ["sweeping expired uploads failed: the catalog's database does not answer"]
    assert (await site.rows.find_all([row.id]))[0].state == "expired"

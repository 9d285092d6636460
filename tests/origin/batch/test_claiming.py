"""One job at a time: a second is refused by name of the first, and the dead hold nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from cdnkit.errors import ConflictError
from origin.batch.claiming import (
    LEASE_SECONDS,
    RENEW_SECONDS,
    WORK,
    Worker,
    claimed,
    is_alive,
    is_free,
    this_worker,
)
from origin.catalog import claims
from origin.catalog.claims import Claim
from origin.catalog.database import Database
from tests.helpers.clock import FakeClock

HELD = Claim(WORK, "token", "vm", 10, "here", 100.0, 200.0)


@pytest.mark.parametrize(
    ("worker", "now", "alive", "free"),
    [
        (Worker("vm", 20, "here"), 150.0, {10}, False),
        (Worker("vm", 20, "here"), 199.9, {10}, False),
        (Worker("vm", 20, "here"), 200.0, {10}, True),
        (Worker("vm", 20, "here"), 150.0, {20}, True),
        (Worker("vm", 20, "elsewhere"), 150.0, {20}, False),
        (Worker("vm", 20, ""), 150.0, {20}, False),
    ],
)
def test_claim_is_free_when_its_lease_is_over_or_its_process_here_is_dead(
    worker: Worker, now: float, alive: Collection[int], free: bool
) -> None:
    assert is_free(HELD, worker, now, alive.__contains__) is free
    assert is_free(None, worker, now, alive.__contains__)


def test_place_that_nobody_knows_is_no_place() -> None:
    unplaced = Claim(WORK, "token", "vm", 10, "", 100.0, 200.0)
    assert not is_free(unplaced, Worker("vm", 20, ""), 150.0, {20}.__contains__)


def test_this_process_is_alive() -> None:
    worker = this_worker()
    assert worker.place
    assert is_alive(worker.process)
    assert not is_alive(2**22 + 1)


async def test_second_is_refused_with_who_is_first_and_comes_in_after_it(
    database: Database,
) -> None:
    clock = FakeClock(1_790_000_000.0)
    async with claimed(database, clock, Worker("vm", 10, "")):
        clock.advance(60)
        with pytest.raises(ConflictError, match=r"runs already .*: process 10 on vm since 2026-09"):
            async with claimed(database, clock, Worker("other", 20, "")):
                pass
    async with claimed(database, clock, Worker("other", 20, "")) as claim:
        assert (claim.process, claim.since) == (20, clock.now)


async def test_claim_is_renewed_as_long_as_the_work_goes_on(small: Database) -> None:
    clock = FakeClock()
    renewed = asyncio.Event()
    rounds = 0

    async def pause(seconds: float) -> None:
        nonlocal rounds
        rounds += 1
        if rounds > 2 * LEASE_SECONDS / RENEW_SECONDS:
            renewed.set()
            await asyncio.Event().wait()
        clock.advance(seconds)

    async with claimed(small, clock, Worker("vm", 10, ""), pause):
        await asyncio.wait_for(renewed.wait(), 60)
        async with small.reading() as connection:
            held = await claims.find(connection, WORK)
        assert held is not None
        assert held.until == clock.now + LEASE_SECONDS
        assert held.since < clock.now - LEASE_SECONDS

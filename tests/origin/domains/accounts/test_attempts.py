"""Attempts count in every process, sink with time, and a refused one costs nothing more."""

from __future__ import annotations

import asyncio

import pytest

from origin.catalog.database import Database
from origin.domains.accounts import attempts
from origin.domains.accounts.refusals import TooManyAttemptsError
from origin.domains.accounts.rules import Bucket

BUCKETS = {"guess:a": Bucket(2, 10.0), "network:n": Bucket(100, 1.0)}


async def test_level_sinks_with_time(database: Database) -> None:
    await attempts.count_attempts(database, BUCKETS, 0.0)
    await attempts.count_attempts(database, BUCKETS, 0.0)
    for now, wait in ((0.0, 10), (4.5, 6), (9.0, 1)):
        with pytest.raises(TooManyAttemptsError) as caught:
            await attempts.count_attempts(database, BUCKETS, now)
        assert caught.value.retry_after_seconds == wait
    await attempts.count_attempts(database, BUCKETS, 10.0)


async def test_attempts_at_once_are_all_counted(database: Database) -> None:
    tries = (attempts.count_attempts(database, BUCKETS, 0.0) for _ in range(6))
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(each is None for each in done) == 2


async def test_forgiven_and_swept_attempts_count_no_more(database: Database) -> None:
    for _ in range(2):
        await attempts.count_attempts(database, BUCKETS, 0.0)
    async with database.begin() as connection:
        await attempts.forgive(connection, "guess:a")
    await attempts.count_attempts(database, BUCKETS, 0.0)
    async with database.begin() as connection:
        await attempts.sweep_attempts(connection, attempts.FORGOTTEN_SECONDS + 1)
    for _ in range(2):
        await attempts.count_attempts(database, BUCKETS, 0.0)

"""Counting attempts in rows that all origins share: each subject has a level that sinks with time.

A refused attempt does not count: it is rolled back with its transaction, so that nobody who comes
back when told to is refused for what was refused before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.database import Database
from origin.domains.accounts.refusals import TooManyAttemptsError
from origin.domains.accounts.rules import Bucket
from origin.domains.accounts.tables import attempts

FORGOTTEN_SECONDS: Final = 86400.0
"""No bucket is so slow that an older level matters."""


async def count_attempts(database: Database, buckets: Mapping[str, Bucket], now: float) -> None:
    """Count one more attempt of each subject. Raises TooManyAttemptsError."""

    async def work(connection: AsyncConnection) -> None:
        waits = [
            bucket.retry_after_seconds(await _raise(connection, subject, bucket, now))
            for subject, bucket in sorted(buckets.items())
        ]
        if max(waits) > 0:
            raise TooManyAttemptsError("Too many attempts; wait a little.", max(waits))

    await database.transact(work)


async def forgive(connection: AsyncConnection, subject: str) -> None:
    """Forget the attempts of a subject."""
    await connection.execute(sa.delete(attempts).where(attempts.c.subject == subject))


async def sweep_attempts(connection: AsyncConnection, now: float) -> None:
    """Delete what no longer counts."""
    await connection.execute(sa.delete(attempts).where(attempts.c.at < now - FORGOTTEN_SECONDS))


async def _raise(connection: AsyncConnection, subject: str, bucket: Bucket, now: float) -> float:
    """The level with this attempt in it. One statement: attempts at once are all counted."""
    insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    waited = sa.cast(now, sa.Double) - attempts.c.at
    left = attempts.c.level - waited / bucket.each_seconds
    remaining = sa.case((left > 0, left), else_=0.0)
    statement = insert(attempts).values(subject=subject, level=1.0, at=now)
    statement = statement.on_conflict_do_update(
        index_elements=["subject"], set_={"level": remaining + 1.0, "at": now}
    ).returning(attempts.c.level)
    return float((await connection.execute(statement)).scalar_one())

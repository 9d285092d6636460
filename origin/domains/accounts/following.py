"""Keeps an origin's gate up with the rows: sessions that others ended, keys that come and go.

Looks at once when PostgreSQL wakes it, now and then in any case. Also does what some origin has to
do now and then: makes the next key, and deletes what has expired. A new key signs only after a
while, when every origin has it; an old one verifies until its last token has expired.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import UnavailableError
from origin.catalog.queries import CHANNEL
from origin.domains.accounts import attempts, gate, queries, session_queries
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.records import SigningKey

LOOK_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 1.0
SWEEP_SECONDS: Final = 300.0
LEAD_SECONDS: Final = 60.0
"""Every origin looks many times in this time before a new key signs."""
_KEY_BYTES: Final = 32
"""As long as the hash (RFC 7518 3.2)."""


async def follow(
    ground: Ground,
    report: Callable[[str], None],
    look_seconds: float = LOOK_SECONDS,
    retry_seconds: float = RETRY_SECONDS,
) -> None:
    """Follow until cancelled; a database that is away is reported once and awaited."""
    is_away = False

    async def look() -> None:
        nonlocal is_away
        await catch_up(ground)
        is_away = False

    while True:
        try:
            await _follow_until_lost(ground, look, look_seconds)
        except UnavailableError as error:
            if not is_away:
                report(f"devices that were signed out at other origins are not seen: {error}")
            is_away = True
            await asyncio.sleep(retry_seconds)


async def _follow_until_lost(
    ground: Ground, look: Callable[[], Awaitable[None]], look_seconds: float
) -> None:
    wake, swept_at = asyncio.Event(), ground.now()
    async with ground.database.listening(CHANNEL, wake.set) as is_lost:
        while not is_lost():
            await look()
            if ground.now() - swept_at >= SWEEP_SECONDS:
                swept_at = ground.now()
                await sweep(ground)
            await _wait(wake, look_seconds)


async def catch_up(ground: Ground) -> None:
    """Take in what has been committed, and make the next key when it is time."""
    async with ground.database.reading() as connection:
        keys = await session_queries.list_keys(connection)
        found = await session_queries.revocations_after(
            connection, ground.gate.last_number, ground.now()
        )
    ground.gate.advance(found, ground.now())
    if _is_time(ground, keys):
        keys = await ground.database.transact(lambda connection: _rotate(ground, connection))
    ground.gate.use_keys(keys)


def _is_time(ground: Ground, keys: Sequence[SigningKey]) -> bool:
    now, settings = ground.now(), ground.settings
    is_due = gate.is_due(keys, now, settings.key_seconds)
    return is_due or bool(gate.outlived(keys, now, settings.access_seconds))


async def sweep(ground: Ground) -> None:
    """Delete what has expired."""

    async def work(connection: AsyncConnection) -> None:
        await session_queries.sweep_sessions(connection, ground.now())
        await queries.sweep_mailed(connection, ground.now())
        await attempts.sweep_attempts(connection, ground.now())

    await ground.database.transact(work)


async def _rotate(ground: Ground, connection: AsyncConnection) -> list[SigningKey]:
    """All keys, with a new one unless another origin has just made it, without the outlived."""
    now = ground.now()
    keys = list(await session_queries.lock_keys(connection))
    if gate.is_due(keys, now, ground.settings.key_seconds):
        secret = bytes.fromhex(ground.make_secret(_KEY_BYTES))
        new = SigningKey(ground.make_id(), secret, now, now + LEAD_SECONDS if keys else now)
        await session_queries.add_key(connection, new)
        keys.append(new)
    gone = gate.outlived(keys, now, ground.settings.access_seconds)
    await session_queries.drop_keys(connection, gone)
    return [key for key in keys if key.id not in gone]


async def _wait(wake: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        return
    wake.clear()

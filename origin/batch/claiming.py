"""One job at a time over one catalog: a claim that is renewed while the job runs.

A claim is free when nobody holds it, when its lease is over, or when its holder was a process of
this machine that is dead. A job that was stopped for longer than its lease finds that out before
it publishes anything (`origin.catalog.claims.require`).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from cdnkit.errors import ConflictError, UnavailableError
from cdnkit.service.lasting import end_tasks, start_lasting
from origin.catalog import claims
from origin.catalog.claims import Claim
from origin.catalog.database import Database

WORK: Final = "the batch job"
LEASE_SECONDS: Final = 120.0
RENEW_SECONDS: Final = 20.0
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE: Final = Path("/proc/self/ns/pid")

Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Worker:
    """A process, and where its number means something; `place` is empty where nobody knows."""

    host: str
    process: int
    place: str


def this_worker() -> Worker:
    """The process that asks."""
    try:
        place = f"{_BOOT.read_text().strip()} {_NAMESPACE.readlink()}"
    except OSError:
        place = ""
    return Worker(socket.gethostname(), os.getpid(), place)


def is_alive(process: int) -> bool:
    """Whether there is a process of this number here."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_free(
    held: Claim | None, worker: Worker, now: float, is_alive: Callable[[int], bool]
) -> bool:
    """Whether a claim may be taken over."""
    if held is None or held.until <= now:
        return True
    is_here = held.place == worker.place != ""
    return is_here and not is_alive(held.process)


@asynccontextmanager
async def claimed(
    database: Database, now: Callable[[], float], worker: Worker, pause: Pause = asyncio.sleep
) -> AsyncIterator[Claim]:
    """The claim, as long as the context is open. Raises ConflictError, naming the holder."""
    claim = await _take(database, now(), worker)
    renewing = start_lasting("claim", partial(_renew, database, now, claim, pause))
    try:
        yield claim
    finally:
        await end_tasks(renewing)
        # Whoever comes next sees that this process is dead, or waits until the lease is over.
        with suppress(UnavailableError):
            async with database.begin() as connection:
                await claims.release(connection, claim)


async def _take(database: Database, now: float, worker: Worker) -> Claim:
    claim = Claim(
        name=WORK,
        token=secrets.token_hex(8),
        host=worker.host,
        process=worker.process,
        place=worker.place,
        since=now,
        until=now + LEASE_SECONDS,
    )
    async with database.begin() as connection:
        held = await claims.find(connection, WORK)
        may_take = is_free(held, worker, now, is_alive)
        if may_take and await claims.take(connection, claim, held):
            return claim
        held = await claims.find(connection, WORK)
    by = "another" if held is None else claims.describe(held)
    raise ConflictError(f"{WORK} runs already over this catalog: {by}")


async def _renew(database: Database, now: Callable[[], float], claim: Claim, pause: Pause) -> None:
    """Until it is cancelled, or the claim is lost."""
    is_held = True
    while is_held:
        await pause(RENEW_SECONDS)
        # A database that does not answer now may do so before the lease is over.
        with suppress(UnavailableError):
            async with database.begin() as connection:
                is_held = await claims.renew(connection, claim, now() + LEASE_SECONDS)

"""Origins on one database share keys, hear of ended sessions, and clean up."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from cdnkit.service.viewers import Role
from origin.catalog.database import open_database, parse_database_url
from origin.domains.accounts import following, issuing, queries, session_queries
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.records import Account, MailedToken, Purpose
from tests.helpers.clock import FakeClock
from tests.helpers.postgres import Postgres, postgres_server
from tests.origin.domains.accounts.conftest import ground_on

NEVER_SECONDS = 3600.0
ANNA = Account("anna", "anna@a.org", "Anna@a.org", "hash", Role.VIEWER, "de", False, 1.0)


@asynccontextmanager
async def following_rows(
    ground: Ground, look_seconds: float, reports: list[str]
) -> AsyncIterator[None]:
    task = asyncio.create_task(following.follow(ground, reports.append, look_seconds, 0.01))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(claim: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not claim():  # noqa: ASYNC110 (the gate tells nobody)
            await asyncio.sleep(0.005)


async def signed_in(ground: Ground) -> str:
    async with ground.database.begin() as connection:
        if await queries.find_account(connection, "anna") is None:
            await queries.add_account(connection, ANNA)
        outcome = await issuing.start_session(ground, connection, ANNA, "tv")
    assert outcome.issued is not None
    return outcome.issued.access_token


async def signed_out(ground: Ground) -> None:
    async with ground.database.begin() as connection:
        await issuing.end_all(ground, connection, "anna")


async def test_processes_that_start_together_sign_with_one_key(
    ground: Ground, clock: FakeClock
) -> None:
    other = ground_on(ground.database, clock)
    third = ground_on(ground.database, clock)
    await asyncio.gather(following.catch_up(other), following.catch_up(third))
    assert other.gate.keys == third.gate.keys == ground.gate.keys
    assert len(ground.gate.keys) == 1


async def test_new_key_is_known_everywhere_before_it_signs(
    ground: Ground, clock: FakeClock
) -> None:
    other = ground_on(ground.database, clock)
    token = await signed_in(ground)
    clock.advance(ground.settings.key_seconds)
    await following.catch_up(ground)
    assert len(ground.gate.keys) == 2
    early = await signed_in(ground)
    await following.catch_up(other)
    clock.advance(following.LEAD_SECONDS)
    late = await signed_in(ground)
    assert other.gate.read(early, clock())
    assert other.gate.read(late, clock())
    assert early.partition(".")[0] == token.partition(".")[0] != late.partition(".")[0]
    clock.advance(2 * ground.settings.access_seconds)
    await following.catch_up(other)
    assert len(other.gate.keys) == 1


async def test_session_ended_elsewhere_is_refused_here(ground: Ground, clock: FakeClock) -> None:
    other = ground_on(ground.database, clock)
    async with following_rows(other, 0.02, []):
        token = await signed_in(ground)
        await until(lambda: other.gate.read(token, clock()))
        await signed_out(ground)
        await until(lambda: other.gate.read(token, clock()) is None)


async def test_commit_of_another_process_wakes_us(postgres: Postgres, clock: FakeClock) -> None:
    url = postgres.create_database()
    databases = [await open_database(parse_database_url(url, Path())) for _ in range(2)]
    ours, theirs = [ground_on(database, clock) for database in databases]
    await following.catch_up(theirs)
    async with following_rows(ours, NEVER_SECONDS, []):
        token = await signed_in(theirs)
        await until(lambda: ours.gate.read(token, clock()))
        await signed_out(theirs)
        await until(lambda: ours.gate.read(token, clock()) is None)
    for database in databases:
        await database.close()


async def test_database_that_is_away_is_reported_once_and_followed_again(clock: FakeClock) -> None:
    with postgres_server() as server:
        url = server.create_database()
        database = await open_database(parse_database_url(url, Path()))
        ground = ground_on(database, clock)
        reports: list[str] = []
        async with following_rows(ground, NEVER_SECONDS, reports):
            await until(lambda: ground.gate.keys)
            token = await signed_in(ground)
            server.stop(signal.SIGQUIT)
            await until(lambda: reports)
            assert ground.gate.read(token, clock()), "who is signed in goes on watching"
            server.start()
            await signed_out(ground)
            await until(lambda: ground.gate.read(token, clock()) is None)
        assert len(reports) == 1
        await database.close()


async def test_what_has_expired_is_deleted(ground: Ground, clock: FakeClock) -> None:
    await signed_in(ground)
    now = clock()
    async with ground.database.begin() as connection:
        link = MailedToken("h", Purpose.RESET, "anna", "", {"email": "", "language": ""}, now, now)
        await queries.add_mailed(connection, link)
    clock.advance(ground.settings.refresh_seconds)
    await following.sweep(ground)
    async with ground.database.reading() as connection:
        assert await session_queries.list_sessions(connection, "anna", 0.0) == []
        assert await queries.find_contact(connection, "h") is None

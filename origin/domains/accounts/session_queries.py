"""SQL on sessions, their revocations and the keys that sign: records in, records out, portable.

Revocations and keys are numbered by counters of the catalog (`next_sequence`): who has seen a
number has seen all before it, and the commit wakes the other origins.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.queries import next_sequence
from origin.domains.accounts.gate import ENDED
from origin.domains.accounts.records import Revocation, Session, SigningKey
from origin.domains.accounts.tables import revocations, session_keys, sessions

REVOCATIONS: Final = "session_revocations"
KEYS: Final = "session_keys"


async def add_session(connection: AsyncConnection, session: Session) -> None:
    """Insert."""
    await connection.execute(sa.insert(sessions).values(**dataclasses.asdict(session)))


async def lock_session(connection: AsyncConnection, id: str) -> Session | None:
    """A session that nobody else changes until the commit."""
    touch = (
        sa.update(sessions)
        .where(sessions.c.id == id)
        .values(version=sessions.c.version)
        .returning(sessions)
    )
    row = (await connection.execute(touch)).one_or_none()
    return None if row is None else Session(**row._mapping)


async def list_sessions(connection: AsyncConnection, account: str, now: float) -> Sequence[Session]:
    """The sessions of an account that have not expired, youngest first."""
    statement = (
        sa.select(sessions)
        .where(sessions.c.account == account, sessions.c.expires_at > now)
        .order_by(sessions.c.created_at.desc(), sessions.c.id)
    )
    return [Session(**row._mapping) for row in await connection.execute(statement)]


async def save_session(connection: AsyncConnection, session: Session) -> None:
    """Replace the row."""
    values = dataclasses.asdict(session)
    await connection.execute(
        sa.update(sessions).where(sessions.c.id == session.id).values(**values)
    )


async def end_sessions(
    connection: AsyncConnection, ended: Sequence[Session], until: float
) -> list[Revocation]:
    """Delete sessions; their access tokens, the last of which is good `until`, are revoked."""
    ids = [session.id for session in ended]
    await connection.execute(sa.delete(sessions).where(sessions.c.id.in_(ids)))
    return [await _revoke(connection, id, ENDED, until) for id in ids]


async def renew_sessions(
    connection: AsyncConnection, stale: Sequence[Session], until: float
) -> list[Revocation]:
    """Revoke the access tokens of sessions that go on: they have to be asked for anew."""
    for session in stale:
        await connection.execute(
            sa.update(sessions)
            .where(sessions.c.id == session.id)
            .values(version=session.version + 1)
        )
    # The counter last: whoever holds a session may be waiting for it.
    return [await _revoke(connection, session.id, session.version + 1, until) for session in stale]


async def _revoke(
    connection: AsyncConnection, session: str, version: int, until: float
) -> Revocation:
    number = await next_sequence(connection, REVOCATIONS)
    revocation = Revocation(number, session, version, until)
    values = dataclasses.asdict(revocation)
    await connection.execute(sa.insert(revocations).values(**values))
    return revocation


async def revocations_after(
    connection: AsyncConnection, number: int, now: float
) -> Sequence[Revocation]:
    """What was revoked since, as far as it still matters, in its order."""
    statement = (
        sa.select(revocations)
        .where(revocations.c.number > number, revocations.c.until > now)
        .order_by(revocations.c.number)
    )
    return [Revocation(**row._mapping) for row in await connection.execute(statement)]


async def list_keys(connection: AsyncConnection) -> Sequence[SigningKey]:
    """All keys."""
    return [SigningKey(**row._mapping) for row in await connection.execute(sa.select(session_keys))]


async def lock_keys(connection: AsyncConnection) -> Sequence[SigningKey]:
    """All keys, which nobody else changes until the commit."""
    await next_sequence(connection, KEYS)
    return await list_keys(connection)


async def add_key(connection: AsyncConnection, key: SigningKey) -> None:
    """Insert."""
    await connection.execute(sa.insert(session_keys).values(**dataclasses.asdict(key)))


async def drop_keys(connection: AsyncConnection, ids: Sequence[str]) -> None:
    """Delete."""
    await connection.execute(sa.delete(session_keys).where(session_keys.c.id.in_(ids)))


async def sweep_sessions(connection: AsyncConnection, now: float) -> None:
    """Delete what has expired."""
    await connection.execute(sa.delete(sessions).where(sessions.c.expires_at <= now))
    await connection.execute(sa.delete(revocations).where(revocations.c.until <= now))

"""Who does what only one may do at a time: a row for each such work, held on a lease.

A claim is taken by comparing and swapping, so that of two who ask at once one gets it; whoever
publishes asks with `require` in the same transaction whether it is still theirs. Callers own the
transactions and know the time.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import ConflictError
from origin.catalog.tables import metadata

claims = sa.Table(
    "claims",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("process", sa.BigInteger, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("since", sa.Double, nullable=False),
    sa.Column("until", sa.Double, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A work and who does it. `place` is where the number of the process means something."""

    name: str
    token: str
    host: str
    process: int
    place: str
    since: float
    until: float


def describe(claim: Claim) -> str:
    """Who holds it since when, for people."""
    since, until = (f"{datetime.fromtimestamp(at, UTC):%F %T}" for at in (claim.since, claim.until))
    return f"process {claim.process} on {claim.host} since {since} UTC (until {until}, or longer)"


async def find(connection: AsyncConnection, name: str) -> Claim | None:
    """Who holds a work, or held it last and never said that it is over."""
    row = (await connection.execute(sa.select(claims).where(claims.c.name == name))).one_or_none()
    return None if row is None else Claim(**row._mapping)


async def take(connection: AsyncConnection, claim: Claim, seen: Claim | None) -> bool:
    """Take a work that is as `seen`; false when somebody else was quicker."""
    values = asdict(claim)
    if seen is None:
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        added = await connection.execute(insert(claims).values(values).on_conflict_do_nothing())
        return added.rowcount == 1
    row = (claims.c.name == seen.name) & (claims.c.token == seen.token)
    is_same = row & (claims.c.until == seen.until)
    changed = await connection.execute(sa.update(claims).where(is_same).values(values))
    return changed.rowcount == 1


async def renew(connection: AsyncConnection, claim: Claim, until: float) -> bool:
    """Hold it longer; false when it is lost."""
    row = (claims.c.name == claim.name) & (claims.c.token == claim.token)
    changed = await connection.execute(sa.update(claims).where(row).values(until=until))
    return changed.rowcount == 1


async def release(connection: AsyncConnection, claim: Claim) -> None:
    """The work is over; nothing happens where the claim is lost."""
    row = (claims.c.name == claim.name) & (claims.c.token == claim.token)
    await connection.execute(sa.delete(claims).where(row))


async def require(connection: AsyncConnection, claim: Claim) -> None:
    """Go on only as its holder, who stays that until the transaction ends. Raises ConflictError."""
    statement = sa.select(claims).where(claims.c.name == claim.name).with_for_update()
    row = (await connection.execute(statement)).one_or_none()
    if row is None or row.token != claim.token:
        now = "nobody" if row is None else describe(Claim(**row._mapping))
        raise ConflictError(f"{claim.name} was away for too long: it is held by {now}")

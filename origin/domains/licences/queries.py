"""Rows of licences: the table, and what is asked of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.tables import metadata
from origin.domains.licences.rules import Licence

licences = sa.Table(
    "licences",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("title_id", sa.Text, nullable=False),
    sa.Column("territories", sa.JSON, nullable=False),
    sa.Column("starts_at", sa.Double, nullable=False),
    sa.Column("ends_at", sa.Double),
    sa.Column("plans", sa.JSON, nullable=False),
    sa.Column("height_max", sa.Integer, nullable=False),
    sa.Column("downloads", sa.Boolean, nullable=False),
    sa.Column("ends_streams", sa.Boolean, nullable=False),
    sa.Index("ix_licences_title_id", "title_id"),
)

_ALL: Final = sa.select(licences).order_by(licences.c.id)


async def save(connection: AsyncConnection, licence: Licence) -> None:
    """Add a licence, or replace the one of its id."""
    await remove(connection, licence.id)
    await connection.execute(sa.insert(licences).values(to_row(licence)))


async def find(connection: AsyncConnection, licence_id: str) -> Licence | None:
    """The licence of an id."""
    rows = await connection.execute(_ALL.where(licences.c.id == licence_id))
    row = rows.first()
    return None if row is None else _read(row)


async def find_of_title(connection: AsyncConnection, title_id: str) -> list[Licence]:
    """The licences of a title, in the order of their ids."""
    rows = await connection.execute(_ALL.where(licences.c.title_id == title_id))
    return [_read(row) for row in rows]


async def load_all(connection: AsyncConnection) -> list[Licence]:
    """Every licence, in the order of their ids."""
    return [_read(row) for row in await connection.execute(_ALL)]


async def page(connection: AsyncConnection, title_id: str, after: str, limit: int) -> list[Licence]:
    """Up to `limit` licences behind an id, of one title or, without one, of all."""
    statement = _ALL.where(licences.c.id > after).limit(limit)
    if title_id:
        statement = statement.where(licences.c.title_id == title_id)
    return [_read(row) for row in await connection.execute(statement)]


async def remove(connection: AsyncConnection, licence_id: str) -> bool:
    """Take a licence back; False when there is none."""
    done = await connection.execute(sa.delete(licences).where(licences.c.id == licence_id))
    return done.rowcount == 1


def to_row(licence: Licence) -> dict[str, Any]:
    """The columns of a licence, which are the members of its view too."""
    return {
        **asdict(licence),
        "territories": list(licence.territories),
        "plans": list(licence.plans),
    }


def _read(row: sa.Row[Any]) -> Licence:
    values = dict(row._mapping)
    return Licence(
        **{**values, "territories": tuple(values["territories"]), "plans": tuple(values["plans"])}
    )

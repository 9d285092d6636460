"""What there is to place: of each title the objects that viewers get, with their sizes."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.tables import objects, packaging, titles

_FIRST_ASKED = ("hls", "dash", "progressive")
"""What players of a package begin with, the most usual first."""


@dataclass(frozen=True, slots=True)
class Part:
    """One object of a film."""

    key: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Stock:
    """A film as it is stored; `entry` is the path that players ask for first."""

    title: str
    entry: str
    parts: Sequence[Part]

    @property
    def size_bytes(self) -> int:
        """All of it."""
        return sum(part.size_bytes for part in self.parts)


async def load_stock(connection: AsyncConnection) -> list[Stock]:
    """Every title that has something stored, by id. Old packages are none of it."""
    sized = sa.select(objects.c.key, objects.c.size_bytes).order_by(objects.c.key)
    parts = sorted((row.key, row.size_bytes) for row in await connection.execute(sized))
    packaged = sa.select(packaging.c.title_id, packaging.c.published)
    published = {row.title_id: row.published for row in await connection.execute(packaged)}
    bodies = sa.select(titles.c.id, titles.c.body).order_by(titles.c.id)
    found = []
    for row in await connection.execute(bodies):
        stock = _stock(row.id, json.loads(row.body), published.get(row.id) or {}, parts)
        if stock.size_bytes:
            found.append(stock)
    return found


def _stock(
    title: str,
    body: Mapping[str, Any],
    package: Mapping[str, Any],
    parts: Sequence[tuple[str, int]],
) -> Stock:
    if "prefix" in package:
        first = next((package[name] for name in _FIRST_ASKED if name in package), "")
        return Stock(title, f"/{first}", _under(parts, package["prefix"]))
    media = body.get("media")
    key = media if isinstance(media, str) else ""
    return Stock(title, f"/{key}", [part for part in _under(parts, key) if part.key == key])


def _under(parts: Sequence[tuple[str, int]], prefix: str) -> list[Part]:
    if not prefix:
        return []
    found = []
    for place in range(bisect_left(parts, (prefix, -1)), len(parts)):
        key, size = parts[place]
        if not key.startswith(prefix):
            break
        found.append(Part(key, size))
    return found

"""Titles become films of the objects that viewers get."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.database import open_database, parse_database_url
from origin.catalog.tables import generations, objects, packaging, titles
from origin.placement.stock import Part, load_stock


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[AsyncConnection]:
    database = await open_database(parse_database_url("", tmp_path))
    async with database.begin() as opened:
        yield opened
    await database.close()


async def add_object(connection: AsyncConnection, key: str, size: int) -> None:
    await connection.execute(sa.insert(generations).values(key=key, last=1))
    await connection.execute(
        sa.insert(objects).values(
            **{"key": key, "generation": 1, "stored_generation": 1, "size_bytes": size},
            **{"extent_bytes": 1, "content_type": "", "sha256": "", "etag": "", "created_at": 0.0},
            extent_crc32c=[],
        )
    )


async def add_title(connection: AsyncConnection, name: str, **body: Any) -> None:
    row = {"id": name, "body": json.dumps(body), "version": 1, "updated_at": 0.0, "etag": ""}
    await connection.execute(sa.insert(titles).values(**row))


async def add_package(connection: AsyncConnection, name: str, published: dict[str, Any]) -> None:
    await connection.execute(
        sa.insert(packaging).values(
            **{"title_id": name, "source_key": "", "source_generation": 1, "revision": 1},
            **{"state": "published", "progress": 1.0, "reason": "", "attempts": 0, "package": {}},
            **{"worker": "", "leased_until": 0.0, "updated_at": 0.0, "published": published},
        )
    )


async def test_a_film_is_its_package_and_before_there_is_one_its_media(
    connection: AsyncConnection,
) -> None:
    for key, size in [("films/a.mp4", 7), ("films/a.mp4.old", 9), ("films/b.mp4", 5)]:
        await add_object(connection, key, size)
    for key, size in [("play/a/1/v", 1), ("play/a/2/m", 2), ("play/a/2/v", 3)]:
        await add_object(connection, key, size)
    await add_title(connection, "b", media="films/b.mp4")
    await add_title(connection, "a", media="films/a.mp4")
    await add_title(connection, "stored nowhere", media="films/none")
    await add_title(connection, "announced")
    await add_package(connection, "a", {"prefix": "play/a/2/", "hls": "play/a/2/m"})
    await add_package(connection, "b", {})
    film, other = await load_stock(connection)
    assert (film.title, film.entry, film.size_bytes) == ("a", "/play/a/2/m", 5)
    assert list(film.parts) == [Part("play/a/2/m", 2), Part("play/a/2/v", 3)]
    assert (other.title, other.entry, list(other.parts)) == (
        *("b", "/films/b.mp4"),
        [Part("films/b.mp4", 5)],
    )

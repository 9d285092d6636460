"""What a title is made of, for those who purge or warm it."""

from __future__ import annotations

import io

import pytest

from cdnkit.errors import BadRequestError, ConflictError
from origin.catalog.jobs import JobRow, Jobs
from origin.orders.asked import Part
from origin.orders.titles import TitleParts, Wanted
from tests.origin.conftest import RunningOrigin

MIB = 1 << 20


async def put(origin: RunningOrigin, path: str, body: bytes) -> None:
    async with origin.client.put(path, data=io.BytesIO(body)) as answer:
        assert answer.status == 201, path + await answer.text()


async def parts_of(origin: RunningOrigin) -> TitleParts:
    await put(origin, "/v1/content/films/a.mp4", bytes(3 * MIB))
    await put(origin, "/v1/titles/a", b'{"title": "A", "media": "films/a.mp4", "poster": "p.jpg"}')
    await put(origin, "/v1/titles/b", b'{"title": "B"}')
    catalog = origin.parts.catalog
    return TitleParts(catalog, Jobs(catalog.database, origin.clock))


async def test_a_title_is_its_film_and_every_package(origin: RunningOrigin) -> None:
    titles = await parts_of(origin)
    assert titles.names_of("a") == (["films/a.mp4", "p.jpg"], ["play/a/"])
    with pytest.raises(BadRequestError):
        titles.names_of("c")


async def test_a_prefix_is_what_is_there_under_it(origin: RunningOrigin) -> None:
    titles = await parts_of(origin)
    await put(origin, "/v1/content/films/b.mp4", b"b")
    assert titles.under("films/", Part(5, None)) == [
        Wanted("films/a.mp4", 5),
        Wanted("films/b.mp4", 5),
    ]
    assert titles.under("none/", Part(None, None)) == []


async def test_of_an_unpackaged_film_bytes_can_be_wanted_but_no_seconds(
    origin: RunningOrigin,
) -> None:
    titles = await parts_of(origin)
    assert await titles.wanted("a", Part(5, None)) == [Wanted("films/a.mp4", 5)]
    with pytest.raises(ConflictError):
        await titles.wanted("a", Part(None, 5.0))
    with pytest.raises(ConflictError):
        await titles.wanted("b", Part(5, None))


async def test_seconds_of_a_package_are_a_share_of_its_large_objects(
    origin: RunningOrigin,
) -> None:
    titles = await parts_of(origin)
    await put(origin, "/v1/content/play/a/1/film.mp4", bytes(2 * MIB))
    await put(origin, "/v1/content/play/a/1/master.m3u8", b"#EXTM3U")
    published = {"prefix": "play/a/1/", "duration_seconds": 100.0}
    jobs = Jobs(origin.parts.catalog.database, origin.clock)
    await jobs.change(
        "a", lambda _: JobRow("a", "films/a.mp4", 1, 1, "published", published=published)
    )
    assert await titles.wanted("a", Part(None, 25.0)) == [
        Wanted("play/a/1/film.mp4", MIB // 2),
        Wanted("play/a/1/master.m3u8", None),
    ]

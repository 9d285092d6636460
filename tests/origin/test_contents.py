"""Reading and listing objects over real connections."""

from __future__ import annotations

import os
from typing import Any

import pytest

from cdnkit.wire import GENERATION_HEADER
from tests.origin.conftest import EXTENT_BYTES, RunningOrigin

FILM = os.urandom(3 * EXTENT_BYTES + 17)
KEY = "films/a.mp4"
URL = f"/v1/content/{KEY}"


async def put(origin: RunningOrigin, key: str, data: Any, **headers: str) -> tuple[int, Any, Any]:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    async with origin.client.put(f"/v1/content/{key}", data=data, headers=fields) as answer:
        return answer.status, await answer.json(content_type=None), answer.headers


async def test_published_object_is_delivered_with_its_facts(origin: RunningOrigin) -> None:
    await put(origin, KEY, FILM, Content_Type="video/mp4")
    async with origin.client.get(URL) as answer:
        assert answer.status == 200
        assert await answer.read() == FILM
        assert answer.headers["Content-Type"] == "video/mp4"
        assert answer.headers["Cache-Control"] == "public, max-age=3600"
        assert answer.headers[GENERATION_HEADER] == "1"
        assert answer.headers["ETag"].startswith('"1-')
        assert "Last-Modified" in answer.headers
    async with origin.client.head(URL) as answer:
        assert answer.status == 200
        assert int(answer.headers["Content-Length"]) == len(FILM)


async def test_listing_is_complete_under_concurrent_inserts(origin: RunningOrigin) -> None:
    before = [f"films/{number:03}" for number in range(0, 40, 2)]
    for key in before:
        assert (await put(origin, key, b"x"))[0] == 201
    await put(origin, "posters/a", b"x")
    seen: list[str] = []
    after = ""
    new = iter(range(1, 40, 2))
    while True:
        params = {"prefix": "films/", "limit": "7", "after": after}
        async with origin.client.get("/v1/content", params=params) as answer:
            page = await answer.json()
        seen += [item["key"] for item in page["items"]]
        await put(origin, f"films/{next(new):03}", b"y")
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == sorted(set(seen)), "ordered, nothing twice"
    assert set(before) <= set(seen)
    assert all(key.startswith("films/") for key in seen)


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=-1", "limit=1&limit=2", "lim=1"])
async def test_senseless_listing_parameters_are_refused(origin: RunningOrigin, query: str) -> None:
    async with origin.client.get(f"/v1/content?{query}") as answer:
        assert answer.status == 400
        assert (await answer.json(content_type=None))["type"].endswith("bad-request")


async def test_without_the_database_reads_go_on_and_writes_are_503(
    origin: RunningOrigin, tmp_path: Any
) -> None:
    await put(origin, KEY, b"kept")
    database = tmp_path / "data" / "catalog.sqlite"
    database.rename(database.with_suffix(".gone"))
    status, body, headers = await put(origin, KEY, b"lost")
    assert (status, body["type"]) == (503, "urn:cinedge:problem:unavailable")
    assert "Retry-After" in headers
    async with origin.client.get("/v1/content") as answer:
        assert [item["key"] for item in (await answer.json())["items"]] == [KEY]
    async with origin.client.get("/readyz") as answer:
        assert answer.status == 503
    database.with_suffix(".gone").rename(database)
    assert (await put(origin, KEY, b"back"))[0] == 200

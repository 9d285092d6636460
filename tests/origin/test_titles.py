"""Saving, conditions, limits and listing of titles over real connections."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

import pytest

from origin.catalog.jobs import NEVER, JobRow, Jobs
from origin.merge_patch import MERGE_PATCH_TYPE as PATCH_TYPE
from origin.title_shapes import BODY_BYTES_MAX
from tests.origin.conftest import RunningOrigin, StartOrigin


async def put(
    origin: RunningOrigin, title_id: str, body: Any, **headers: str
) -> tuple[int, Any, Any]:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"/v1/titles/{title_id}"
    async with origin.client.put(url, data=data, headers=fields) as answer:
        return answer.status, await answer.json(content_type=None), answer.headers


async def test_title_is_saved_with_free_fields_and_survives_a_restart(
    start_origin: StartOrigin,
) -> None:
    title = {"title": "Löwe 🦁", "year": 1999, "cast": [{"name": "A"}], "nul": "\x00"}
    async with start_origin() as origin:
        status, body, headers = await put(origin, "a-1", title)
        assert (status, body) == (201, {"id": "a-1", **title})
        assert headers["Location"] == "/v1/titles/a-1"
        etag = headers["ETag"]
    async with start_origin() as origin, origin.client.get("/v1/titles/a-1") as answer:
        assert await answer.json() == {"id": "a-1", **title}
        assert answer.headers["ETag"] == etag


async def test_etag_answers_304_and_guards_writes(origin: RunningOrigin) -> None:
    _, _, first = await put(origin, "a", {"title": "One"})
    status, _, second = await put(origin, "a", {"title": "Two"}, If_Match=first["ETag"])
    assert (status, second["ETag"] != first["ETag"]) == (200, True)
    assert (await put(origin, "a", {"title": "Three"}, If_Match=first["ETag"]))[0] == 412
    assert (await put(origin, "a", {"title": "Three"}, If_None_Match="*"))[0] == 412
    fields = {"If-None-Match": second["ETag"]}
    async with origin.client.get("/v1/titles/a", headers=fields) as answer:
        assert answer.status == 304
    async with origin.client.delete("/v1/titles/a", headers={"If-Match": '"9-x"'}) as answer:
        assert answer.status == 412
    async with origin.client.delete("/v1/titles/a") as answer:
        assert answer.status == 204
    async with origin.client.delete("/v1/titles/a") as answer:
        assert answer.status == 404
    async with origin.client.get("/v1/titles/a") as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"title": ""}',
        b'{"title": 1}',
        b'{"title": "a", "x": NaN}',
        b'{"title": "\\ud800"}',
        b'{"title": "\xff"}',
        b'{"title": "a", "id": "other"}',
        b'{"title": "a", "media": 1}',
        b'{"title": "a", "media": "../x"}',
        b'{"title": "a", "x": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    ],
)
async def test_senseless_title_is_refused(origin: RunningOrigin, body: bytes) -> None:
    status, answer, _ = await put(origin, "a", body)
    assert (status, answer["status"]) == (400, 400)
    assert len(origin.parts.catalog.titles) == 0


async def test_title_has_at_most_64_kib(origin: RunningOrigin) -> None:
    frame = len(json.dumps({"title": ""}))
    status, answer, _ = await put(origin, "a", {"title": "x" * (BODY_BYTES_MAX - frame + 1)})
    assert (status, answer["limit_bytes"]) == (413, BODY_BYTES_MAX)
    assert (await put(origin, "a", {"title": "x" * (BODY_BYTES_MAX - frame)}))[0] == 201


async def test_media_must_exist(origin: RunningOrigin) -> None:
    title = {"title": "A", "media": "films/a.mp4"}
    assert (await put(origin, "a", title))[0] == 409
    async with origin.client.put("/v1/content/films/a.mp4", data=b"x") as answer:
        assert answer.status == 201
    assert (await put(origin, "a", title))[0] == 201


@pytest.mark.parametrize("title_id", ["A", "-a", "a" * 65, "a_b", "a%20b", "ä"])
async def test_bad_id_is_refused(origin: RunningOrigin, title_id: str) -> None:
    assert (await put(origin, title_id, {"title": "A"}))[0] == 400


async def test_listing_has_every_title_in_pages(origin: RunningOrigin) -> None:
    for number in range(5):
        assert (await put(origin, f"t{number}", {"title": str(number)}))[0] == 201
    seen: list[Any] = []
    after = ""
    while True:
        params = {"limit": "2", "after": after}
        async with origin.client.get("/v1/titles", params=params) as answer:
            page = await answer.json()
        seen += page["items"]
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == [{"id": f"t{number}", "title": str(number)} for number in range(5)]


async def patch(
    origin: RunningOrigin, title_id: str, body: Any, kind: str = PATCH_TYPE, **headers: str
) -> tuple[int, Any, Any]:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    fields["Content-Type"] = kind
    url = f"/v1/titles/{title_id}"
    async with origin.client.patch(url, data=json.dumps(body), headers=fields) as answer:
        return answer.status, await answer.json(content_type=None), answer.headers


async def test_patch_changes_some_members(origin: RunningOrigin) -> None:
    _, _, first = await put(origin, "a", {"title": "One", "year": 1999, "note": "x"})
    status, body, second = await patch(origin, "a", {"year": 2000, "note": None})
    assert (status, body) == (200, {"id": "a", "title": "One", "year": 2000})
    assert second["ETag"] != first["ETag"]
    assert (await patch(origin, "a", {}, If_Match=first["ETag"]))[0] == 412
    assert (await patch(origin, "a", {}, If_Match=second["ETag"]))[0] == 200
    async with origin.client.get("/v1/titles/a") as answer:
        assert await answer.json() == {"id": "a", "title": "One", "year": 2000}


async def test_patch_is_refused_by_type_by_name_and_by_what_comes_of_it(
    origin: RunningOrigin,
) -> None:
    assert (await patch(origin, "a", {"year": 1}))[0] == 404
    await put(origin, "a", {"title": "One"})
    assert (await patch(origin, "a", {"year": 1}, "application/json"))[0] == 415
    status, body, _ = await patch(origin, "a", {"title": None})
    assert (status, body["errors"][0]["pointer"]) == (400, "/title")
    assert (await patch(origin, "a", {"media": "films/none.mp4"}))[0] == 409
    async with origin.client.get("/v1/titles/a") as answer:
        assert await answer.json() == {"id": "a", "title": "One"}


async def test_patches_at_one_moment_all_count(origin: RunningOrigin) -> None:
    await put(origin, "a", {"title": "One"})
    done = await asyncio.gather(*(patch(origin, "a", {f"m{n}": n}) for n in range(4)))
    assert [status for status, _, _ in done] == [200] * 4
    async with origin.client.get("/v1/titles/a") as answer:
        assert await answer.json() == {"id": "a", "title": "One", **{f"m{n}": n for n in range(4)}}


async def test_listing_by_state_follows_packaging(origin: RunningOrigin) -> None:
    jobs = Jobs(origin.parts.catalog.database, origin.clock)
    for title_id, state in (("a1", "published"), ("a2", "refused"), ("b1", "published")):
        await put(origin, title_id, {"title": title_id})
        row = JobRow(title_id, "films/x", 1, 1, state, leased_until=NEVER)
        await jobs.change(title_id, partial(lambda row, _: row, row))
    await jobs.change("gone", lambda _: JobRow("gone", "x", 1, 1, "published", leased_until=NEVER))

    async def listed(query: str) -> tuple[list[str], str | None]:
        async with origin.client.get(f"/v1/titles?{query}") as answer:
            page = await answer.json()
        return [each["id"] for each in page["items"]], page["next"]

    assert await listed("state=published") == (["a1", "b1"], None)
    assert await listed("state=published&prefix=a") == (["a1"], None)
    assert await listed("state=published&limit=1") == (["a1"], "a1")
    assert await listed("state=published&after=a1") == (["b1"], None)
    assert await listed("state=retired") == ([], None)
    async with origin.client.get("/v1/titles?state=lost") as answer:
        assert answer.status == 400


async def test_removed_title_takes_its_package_from_viewers(origin: RunningOrigin) -> None:
    jobs = Jobs(origin.parts.catalog.database, origin.clock)
    row = JobRow("a", "films/x", 1, 1, "published", published={"hls": "x", "prefix": "play/a/1/"})
    await put(origin, "a", {"title": "A"})
    await jobs.change("a", lambda _: row)
    async with origin.client.delete("/v1/titles/a") as answer:
        assert answer.status == 204
    found = await jobs.find("a")
    assert found is not None
    assert (found.state, found.published) == ("retired", {})
    await jobs.change("a", lambda _: row)  # as if the first call had ended half-way
    async with origin.client.delete("/v1/titles/a") as answer:
        assert answer.status == 404
    found = await jobs.find("a")
    assert found is not None
    assert found.state == "retired"

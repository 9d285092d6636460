"""Packaging over HTTP: what starts, what is only looked at, and who may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from cdnkit.service.app import build_app
from cdnkit.service.auth import BearerAuth
from cdnkit.service.health import Health
from cdnkit.service.metrics import Telemetry
from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url
from origin.catalog.jobs import JobRow, Jobs
from origin.packaging.handlers import PACKAGING_PATH, Packaging
from origin.store.base import Receipt, StoredObject
from tests.helpers.clock import FakeClock
from tests.origin.conftest import RunningOrigin

WRITER = {"Authorization": "Bearer writer"}
READER = {"Authorization": "Bearer reader"}
AUTH = BearerAuth({"writer": ("w", ["upload"]), "reader": ("r", ["read"])})


@dataclass
class World:
    """The handlers over a real catalog; nothing takes up what they put on the line."""

    clock: FakeClock
    catalog: Catalog
    jobs: Jobs
    handlers: Any = None
    client: Any = None
    woken: list[float] = field(default_factory=list)

    async def ask(self, method: str, path: str, headers: Any = WRITER) -> tuple[int, Any]:
        async with self.client.request(method, path, headers=headers) as answer:
            if answer.status < 400:
                assert answer.headers["Cache-Control"] == "no-store"
            return answer.status, await answer.json(content_type=None)

    async def upload(self, key: str = "films/a") -> None:
        stored = StoredObject(key, await self.catalog.reserve(key), 1, 65536)
        await self.catalog.publish(Receipt(stored, bytes(32), (1,)), "video/mp4", lambda _: None)

    async def save(self, title_id: str = "a", **members: Any) -> None:
        body = json.dumps({"title": "A", **members})
        await self.catalog.put_title(title_id, body, lambda _: None)

    async def put(self, row: JobRow) -> None:
        await self.jobs.change(row.title_id, lambda _: row)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = FakeClock()
    catalog = await open_catalog(parse_database_url("", tmp_path), clock)
    jobs = Jobs(catalog.database, clock)
    made = World(clock, catalog, jobs)
    handlers = Packaging(
        catalog,
        jobs,
        wake=lambda: made.woken.append(clock.now),
        now=clock,
    )
    app = build_app(
        tier="origin",
        name="origin-1",
        telemetry=Telemetry("origin", "origin-1"),
        health=Health(),
        routes=handlers.routes(),
        authorize_scope=AUTH.authorize,
    )
    async with TestClient(TestServer(app)) as client:
        made.client = client
        made.handlers = handlers
        yield made
    await catalog.close()


async def test_start_is_done_once_for_one_upload_and_again_for_the_next(world: World) -> None:
    await world.upload()
    await world.save(media="films/a")
    status, body = await world.ask("POST", "/v1/titles/a/packaging")
    assert (status, body["state"], body["revision"]) == (202, "received", 1)
    assert body["source"] == {"key": "films/a", "generation": 1}
    assert len(world.woken) == 1
    row = await world.jobs.find("a")
    assert await world.ask("POST", "/v1/titles/a/packaging") == (200, body)
    assert await world.jobs.find("a") == row
    assert await world.ask("GET", "/v1/titles/a/packaging", {}) == (200, body)
    await world.upload()
    status, body = await world.ask("POST", "/v1/titles/a/packaging")
    assert (status, body["revision"], body["source"]["generation"]) == (202, 2, 2)


async def test_only_those_who_may_upload_start_and_retire(world: World) -> None:
    await world.upload()
    await world.save(media="films/a")
    for method in ("POST", "DELETE"):
        assert (await world.ask(method, "/v1/titles/a/packaging", {}))[0] == 401
        assert (await world.ask(method, "/v1/titles/a/packaging", READER))[0] == 403
    assert await world.jobs.find("a") is None
    assert world.woken == []


@pytest.mark.parametrize(
    ("members", "status"),
    [(None, 404), ({}, 409), ({"media": "films/gone"}, 409)],
    ids=["no title", "no media", "media not stored"],
)
async def test_title_without_a_stored_film_does_not_start(
    world: World, members: dict[str, str] | None, status: int
) -> None:
    if members is not None:
        await world.save(**members)
    assert (await world.ask("POST", "/v1/titles/a/packaging"))[0] == status
    assert await world.jobs.find("a") is None
    assert world.woken == []


async def test_retired_title_loses_what_viewers_had_and_may_start_again(world: World) -> None:
    await world.upload()
    await world.save(media="films/a")
    published = {"hls": "play/a/1/master.m3u8", "replaced": []}
    await world.put(JobRow("a", "films/a", 1, 1, "published", published=published))
    _, body = await world.ask("GET", "/v1/titles/a/packaging")
    assert body["published"] == {"hls": "play/a/1/master.m3u8"}
    for _ in range(2):
        status, body = await world.ask("DELETE", "/v1/titles/a/packaging")
        assert (status, body["state"]) == (202, "retired")
        assert "published" not in body
    status, body = await world.ask("POST", "/v1/titles/a/packaging")
    assert (status, body["state"], body["revision"]) == (202, "received", 2)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_title_that_was_never_packaged_is_not_found(world: World, method: str) -> None:
    await world.save()
    status, problem = await world.ask(method, "/v1/titles/a/packaging")
    assert (status, "never packaged" in problem["detail"]) == (404, True)
    assert (await world.ask(method, "/v1/titles/NO/packaging"))[0] == 400


async def test_list_walks_over_one_state_in_pages(world: World) -> None:
    for title_id in ("a", "b", "c", "d"):
        state = "published" if title_id == "b" else "refused"
        await world.put(JobRow(title_id, "films/a", 1, 1, state))
    pages: list[list[str]] = []
    after: str | None = ""
    while after is not None:
        query = f"?state=refused&limit=2&after={after}"
        status, body = await world.ask("GET", PACKAGING_PATH + query, {})
        assert status == 200
        pages.append([item["title"] for item in body["items"]])
        after = body["next"]
    assert pages == [["a", "c"], ["d"]]
    _, everything = await world.ask("GET", PACKAGING_PATH)
    assert [item["title"] for item in everything["items"]] == ["a", "b", "c", "d"]
    assert everything["next"] is None


@pytest.mark.parametrize(
    "query", ["state=lost", "limit=0", "limit=1001", "limit=x", "prefix=a", "state=a&state=b"]
)
async def test_senseless_list_is_refused(world: World, query: str) -> None:
    assert (await world.ask("GET", f"{PACKAGING_PATH}?{query}"))[0] == 400


async def test_reason_and_progress_are_told_of_a_row_at_work(world: World) -> None:
    row = JobRow("a", "films/a", 1, 1, "refused", reason="no pictures", attempts=2)
    await world.put(replace(row, progress=0.12345))
    _, body = await world.ask("GET", "/v1/titles/a/packaging")
    assert (body["reason"], body["attempts"], body["progress"]) == ("no pictures", 2, 0.123)
    assert body["updated_at"] == world.clock.now


async def test_upload_that_is_no_film_ends_as_refused_with_a_reason(origin: RunningOrigin) -> None:
    client, path = origin.client, "/v1/titles/a/packaging"
    async with client.put("/v1/content/films/a", data=b"no film at all, but text") as answer:
        assert answer.status == 201
    async with client.put("/v1/titles/a", json={"title": "A", "media": "films/a"}) as answer:
        assert answer.status == 201
    async with client.post(path) as answer:
        assert answer.status == 202
    async with asyncio.timeout(20):
        body = {"state": "received"}
        while body["state"] == "received":
            await asyncio.sleep(0.02)
            async with client.get(path) as answer:
                body = await answer.json()
    assert body["state"] == "refused"
    assert body["reason"]


async def test_removed_title_is_retired_once_and_one_never_packaged_is_left_alone(
    world: World,
) -> None:
    await world.upload()
    await world.save(media="films/a")
    await world.ask("POST", "/v1/titles/a/packaging")
    await world.handlers.withdraw("a")
    row = await world.jobs.find("a")
    assert row is not None
    assert row.state == "retired"
    await world.handlers.withdraw("a")
    assert await world.jobs.find("a") == row
    await world.handlers.withdraw("b")
    assert await world.jobs.find("b") is None

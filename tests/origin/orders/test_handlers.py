"""Orders over real connections: who may, what is told, what edges answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from config.topology import AccessToken, Address, CacheDisk, EdgeNode, Topology
from tests.origin.conftest import RunningOrigin, StartOrigin

EDGES = tuple(
    EdgeNode(name, site, Address("127.0.0.1", 1), (CacheDisk("/nowhere"),))
    for name, site in (("e1", "fra"), ("e2", "ist"))
)
TOKENS = tuple(
    AccessToken(scope, (scope,), secret=f"{scope}-secret-of-this-test")
    for scope in ("purge", "operate", "edge", "upload")
)
TOPOLOGY = Topology(edges=EDGES, access_tokens=TOKENS)


@pytest.fixture
async def origin(start_origin: StartOrigin) -> AsyncIterator[RunningOrigin]:
    async with start_origin(TOPOLOGY, open_uploads=False) as running:
        yield running


async def call(
    origin: RunningOrigin, method: str, path: str, scope: str = "", body: Any = None
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {scope}-secret-of-this-test"} if scope else {}
    async with origin.client.request(method, path, json=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None) if answer.status != 204 else None


async def acknowledge(origin: RunningOrigin, order_id: str, edge: str) -> int:
    body = {"edge": edge, "worker": 0, "workers": 1}
    said = [{"order": order_id, "state": "done"}]
    status, _ = await call(origin, "POST", "/v1/receipts", "edge", {**body, "receipts": said})
    return status


async def test_a_purge_is_done_when_every_edge_has_said_so(origin: RunningOrigin) -> None:
    status, told = await call(origin, "POST", "/v1/purge", "purge", {"object": "films/a"})
    assert status == 202
    assert (told["state"], told["by"]) == ("offline", "purge")
    assert [edge["name"] for edge in told["edges"]] == ["e1", "e2"]
    path = f"/v1/purges/{told['id']}"
    origin.clock.advance(0.25)
    assert await acknowledge(origin, told["id"], "e1") == 204
    origin.clock.advance(0.25)
    assert await acknowledge(origin, told["id"], "e2") == 204
    origin.clock.advance(5)
    assert await acknowledge(origin, told["id"], "e2") == 204
    _, told = await call(origin, "GET", path, "purge")
    assert (told["state"], told["p50_ms"], told["p99_ms"]) == ("done", 250.0, 500.0)
    _, listed = await call(origin, "GET", "/v1/purges", "purge")
    assert [each["id"] for each in listed["items"]] == [told["id"]]


async def test_an_edge_that_follows_is_expected_to_answer(origin: RunningOrigin) -> None:
    status, page = await call(origin, "GET", "/v1/changes?edge=e3", "edge")
    assert (status, page["changes"]) == (200, [])
    _, told = await call(origin, "POST", "/v1/purge", "purge", {"all": True})
    assert {edge["name"]: edge["state"] for edge in told["edges"]} == {
        "e1": "offline",
        "e2": "offline",
        "e3": "pending",
    }
    _, page = await call(origin, "GET", "/v1/changes")
    detail = page["changes"][0]["detail"]
    assert (detail["order"], detail["all"], detail["soft"]) == (told["id"], True, False)


@pytest.mark.parametrize(
    ("method", "path", "scope", "status"),
    [
        ("POST", "/v1/purge", "", 401),
        ("POST", "/v1/purge", "upload", 403),
        ("POST", "/v1/warm", "purge", 403),
        ("POST", "/v1/receipts", "purge", 403),
        ("GET", "/v1/purges", "", 401),
        ("GET", "/v1/purges/none", "purge", 404),
        ("GET", "/v1/pins/none", "operate", 404),
        ("GET", "/v1/changes?edge=e1", "", 401),
        ("GET", "/v1/changes?edge=", "edge", 400),
        ("GET", "/v1/purges?after=1", "purge", 400),
        ("POST", "/v1/purge", "purge", 400),
        ("POST", "/v1/unpin", "operate", 400),
    ],
)
async def test_who_may_not_or_asks_nonsense_is_told(
    origin: RunningOrigin, method: str, path: str, scope: str, status: int
) -> None:
    body: dict[str, str] | None = {} if method == "POST" else None
    assert (await call(origin, method, path, scope, body))[0] == status
    _, page = await call(origin, "GET", "/v1/changes")
    assert page["changes"] == []


async def test_a_warm_names_objects_edges_and_pace(origin: RunningOrigin) -> None:
    body = {"object": "films/a", "bytes": 5, "sites": ["ist"], "bytes_per_second": 9}
    status, told = await call(origin, "POST", "/v1/warm", "operate", body)
    assert status == 202
    assert [edge["name"] for edge in told["edges"]] == ["e2"]
    _, page = await call(origin, "GET", "/v1/changes")
    detail = page["changes"][0]["detail"]
    assert detail["objects"] == [{"key": "films/a", "stop_bytes": 5}]
    assert (detail["edges"], detail["bytes_per_second"]) == (["e2"], 9)
    parts = [{"object": "films/a", "bytes": 5}, {"object": "films/b", "bytes": 7}]
    hours = {"from_at": 10.0, "until_at": 20.0}
    status, _ = await call(origin, "POST", "/v1/warm", "operate", {"parts": parts, **hours})
    assert status == 202
    _, page = await call(origin, "GET", "/v1/changes")
    detail = page["changes"][-1]["detail"]
    assert [each["stop_bytes"] for each in detail["objects"]] == [5, 7]
    assert (detail["from_at"], detail["until_at"]) == (10.0, 20.0)
    for wrong in ({"edges": ["e9"]}, {"sites": ["rio"]}, {"seconds": 1}):
        status, _ = await call(origin, "POST", "/v1/warm", "operate", {"object": "a", **wrong})
        assert status == 400

"""An operator keeps new viewers away from an edge; those that watch go on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from config.topology import AccessToken, Address, RouterNode
from edge.app import worker
from edge.drain import DrainMark
from geo_router.probe import judge
from tests.edge.conftest import Edge, Plan

HOLDER = {"Authorization": "Bearer operator-secret"}
OTHER = {"Authorization": "Bearer uploader-secret"}
TOKENS = (
    AccessToken("ops", ("operate",), "operator-secret"),
    AccessToken("studio", ("upload",), "uploader-secret"),
)


@asynccontextmanager
async def administered(
    plan: Plan, tokens: tuple[AccessToken, ...] = TOKENS
) -> AsyncIterator[tuple[Edge, httpx.AsyncClient]]:
    plan.admin = Address("127.0.0.1", 0)
    routed = dataclasses.replace(
        plan.topology(),
        routers=(RouterNode("router", Address("127.0.0.1", 1)),),
        access_tokens=tokens,
    )
    async with worker(plan.node(), routed) as running:
        assert running.admin_url is not None
        edge = Edge(running, plan.origin)
        async with httpx.AsyncClient(base_url=running.admin_url) as client:
            yield edge, client
        for viewer in edge.clients:
            viewer.close()


async def test_a_drained_edge_says_so_to_routers_and_still_serves(plan: Plan) -> None:
    plan.origin.put("/a", b"film" * 100)
    async with administered(plan) as (edge, client):
        viewer = await edge.client()
        answer = await viewer.ask("/readyz")
        assert answer.status == 200
        assert judge(answer.status, answer.body, 0.0).result.value == "answered"
        drained = await client.put("/v1/drain", headers=HOLDER)
        assert (drained.status_code, drained.json()["draining"]) == (200, True)
        answer = await viewer.ask("/readyz")
        assert (answer.status, json.loads(answer.body)["status"]) == (503, "draining")
        assert judge(answer.status, answer.body, 0.0).result.value == "draining"
        assert (await viewer.ask("/a")).status == 200
        assert (await client.get("/v1/drain", headers=HOLDER)).json()["draining"] is True
        taken_back = await client.delete("/v1/drain", headers=HOLDER)
        assert taken_back.json()["draining"] is False
        assert (await viewer.ask("/readyz")).status == 200


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (OTHER, 403)])
async def test_only_holders_of_the_scope_may_drain_and_refusals_change_nothing(
    plan: Plan, headers: dict[str, str], status: int
) -> None:
    async with administered(plan) as (edge, client):
        for method in ("GET", "PUT", "DELETE"):
            answer = await client.request(method, "/v1/drain", headers=headers)
            assert answer.status_code == status
            assert answer.headers["Content-Type"] == "application/problem+json"
        assert (await (await edge.client()).ask("/readyz")).status == 200


async def test_an_edge_without_tokens_lets_its_own_machine_drain(plan: Plan) -> None:
    async with administered(plan, ()) as (_, client):
        assert (await client.put("/v1/drain")).json()["draining"] is True


def test_a_mark_is_seen_where_it_was_made() -> None:
    mark = DrainMark()
    assert not mark.is_set
    mark.set(True)
    assert mark.is_set


async def test_a_drained_edge_stays_drained_until_it_is_taken_back(plan: Plan) -> None:
    async with administered(plan) as (_, client):
        assert (await client.put("/v1/drain", headers=HOLDER)).status_code == 200
    async with administered(plan) as (edge, client):
        answer = await (await edge.client()).ask("/readyz")
        assert (answer.status, json.loads(answer.body)["status"]) == (503, "draining")
        assert (await client.get("/v1/drain", headers=HOLDER)).json()["draining"] is True
        assert (await client.delete("/v1/drain", headers=HOLDER)).json()["draining"] is False
    async with administered(plan) as (edge, _):
        assert (await (await edge.client()).ask("/readyz")).status == 200


async def test_a_drain_that_a_restart_would_not_know_is_told_of(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(mark: DrainMark) -> None:
        raise OSError("no space")

    monkeypatch.setattr(DrainMark, "keep", full)
    async with administered(plan) as (edge, client):
        answer = await client.put("/v1/drain", headers=HOLDER)
        assert answer.status_code == 507
        assert "restart will not know" in answer.json()["detail"]
        assert (await (await edge.client()).ask("/readyz")).status == 503

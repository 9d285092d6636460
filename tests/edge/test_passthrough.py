"""Answers for one viewer alone, and what an unsafe method makes the edge forget."""

from __future__ import annotations

import asyncio
import random
import socket
from typing import Any

import pytest

from config.topology import Route
from edge.upstream.limits import PoolLimits
from tests.edge.conftest import BLOCK, Asked, Edge, Plan, eventually, says, started_origin
from tests.helpers.raw_client import Answer, head

FILM = random.Random(5).randbytes(5 * BLOCK + 5)
PATH = "/a.mp4"


def status_of(answer: Answer) -> str:
    return answer.fields["cache-status"]


async def test_an_unsafe_method_that_succeeds_makes_the_edge_forget(edge: Edge) -> None:
    edge.origin.put(PATH, FILM[:100])
    client = await edge.client()

    async def told(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if asked.method == "GET":
            await edge.origin.serve_thing(asked, reader, writer)
        else:
            await says("403 No" if asked.method == "PATCH" else "204 Done", b"")(
                asked, reader, writer
            )

    edge.origin.scripts[PATH] = told
    for method, hit in (("PATCH", True), ("PUT", False), ("DELETE", False), ("POST", False)):
        await client.ask(PATH)
        assert "hit" in status_of(await client.ask(PATH))
        await client.ask(PATH, "Content-Length: 0", method=method)
        answer = await client.ask(PATH)
        assert ("hit" in status_of(answer)) is hit, method
        assert hit or status_of(answer).endswith("detail=purged")


def nobody() -> tuple[socket.socket, str]:
    """An address at which nothing listens while the socket is open."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken, f"http://127.0.0.1:{taken.getsockname()[1]}"


async def test_a_post_goes_to_the_next_upstream_when_the_first_cannot_be_reached(
    plan: Plan,
) -> None:
    taken, dead = nobody()
    with taken:
        plan.routes = (Route("/", (dead, plan.origin.url)),)
        plan.origin.scripts["/p"] = says("201 Created", b"made")
        async with plan.start() as edge:
            client = await edge.client()
            await client.send(head("/p", "Content-Length: 2", method="POST") + b"ab")
            answer = await client.answer()
    assert (answer.status, answer.body) == (201, b"made")
    assert [asked.body for asked in plan.origin.asked] == [b"ab"]


async def test_a_post_that_was_sent_is_sent_nowhere_else(plan: Plan) -> None:
    async def cuts(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.close()

    async with started_origin() as spare:
        plan.routes = (Route("/", (plan.origin.url, spare.url)),)
        plan.origin.scripts["/p"] = cuts
        async with plan.start() as edge:
            client = await edge.client()
            assert (await client.ask("/p", "Content-Length: 0", method="POST")).status == 502
        assert (len(plan.origin.asked), len(spare.asked)) == (1, 0)


async def test_a_refused_loop_leaves_no_connection_lent(plan: Plan) -> None:
    async with plan.but(upstream_connections_max=1).start() as edge:
        client = await edge.client()
        for _ in range(3):
            lines = ("Via: 1.1 edge-1", "Content-Length: 0")
            assert (await client.ask(PATH, *lines, method="POST")).status == 508
        plan.origin.scripts["/p"] = says("200 OK", b"")
        assert (await client.ask("/p", "Content-Length: 0", method="POST")).status == 200


async def test_a_viewer_who_waits_too_long_for_an_upstream_is_told(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def impatient(**limits: Any) -> PoolLimits:
        return PoolLimits(**{**limits, "wait_timeout_seconds": 0.05})

    monkeypatch.setattr("edge.routes.PoolLimits", impatient)
    go = asyncio.Event()

    async def slow(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await go.wait()
        await says("200 OK", b"late", "Cache-Control: no-store")(asked, reader, writer)

    plan.origin.scripts["/slow"] = slow
    async with plan.but(upstream_connections_max=1).start() as edge:
        first, second = await edge.client(), await edge.client()
        await first.send(head("/slow", method="OPTIONS"))
        await eventually(lambda: len(plan.origin.asked) == 1, "the only connection is taken")
        for method in ("GET", "POST"):
            assert (await second.ask("/b", method=method)).status == 504
        go.set()
        assert (await first.answer()).body == b"late"
        assert (await second.ask("/b")).status == 404

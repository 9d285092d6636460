"""The life of a request: every way it can end is an answer."""

from __future__ import annotations

import asyncio
import json
import random
import socket

import pytest

from config.topology import Route
from tests.edge.conftest import BLOCK, Asked, Edge, Plan, Thing
from tests.helpers.raw_client import Answer

FILM = random.Random(5).randbytes(5 * BLOCK + 5)
PATH = "/a.mp4"


def status_of(answer: Answer) -> str:
    return answer.fields["cache-status"]


def fails(origin_asked: Asked) -> None:
    raise ConnectionResetError


async def hangs_up(
    asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Closes before it answers."""
    writer.close()


async def test_an_origin_that_closes_before_it_answers_is_a_502(edge: Edge) -> None:
    edge.origin.scripts[PATH] = hangs_up
    client = await edge.client()
    for method in ("GET", "HEAD", "POST"):
        answer = await client.ask(PATH, "X-Request-Id: mine-1", method=method)
        assert (answer.status, answer.fields["x-request-id"]) == (502, "mine-1")
        assert answer.fields["content-type"] == "application/problem+json"
        assert answer.fields["cache-control"] == "no-store"
        if method != "HEAD":
            assert json.loads(answer.body)["type"].endswith("upstream-failed")
    assert client.buffer == b""


async def test_an_unreachable_origin_is_a_502_that_says_so(plan: Plan) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        plan.routes = (Route("/", (f"http://127.0.0.1:{nobody.getsockname()[1]}",)),)
        async with plan.start() as edge:
            client = await edge.client()
            for _ in range(2):
                answer = await client.ask(PATH)
                assert answer.status == 502
                assert answer.fields["x-request-id"] in answer.body.decode()
                assert "reached" in json.loads(answer.body)["detail"]


async def test_a_silent_origin_is_a_504(plan: Plan) -> None:
    async def silent(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.read()

    plan.origin.scripts[PATH] = silent
    async with plan.but(first_byte_timeout_seconds=0.1).start() as edge:
        client = await edge.client()
        for method in ("GET", "POST"):
            assert (await client.ask(PATH, method=method)).status == 504


async def test_a_request_that_came_through_here_before_is_refused(edge: Edge) -> None:
    client = await edge.client()
    assert (await client.ask(PATH, "Via: 1.1 other, 1.1 edge-1")).status == 508
    assert edge.origin.asked == []


async def test_health_is_answered_here_when_nobody_else_could(edge: Edge) -> None:
    client = await edge.client()
    for path in ("/livez", "/readyz"):
        for method in ("GET", "HEAD"):
            answer = await client.ask(path, method=method)
            assert (answer.status, answer.fields["cache-control"]) == (200, "no-store")
    assert edge.origin.asked == []


async def test_a_mistake_of_ours_is_a_500_problem_and_the_connection_lives(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge.worker.holdings, "key_of", fails)
    client = await edge.client()
    assert (await client.ask(PATH)).status == 500
    assert (await client.ask("/livez")).status == 200


def test_things_have_etags_of_their_content() -> None:
    assert Thing(b"a").etag != Thing(b"b").etag

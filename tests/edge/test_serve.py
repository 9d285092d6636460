"""The life of a request: stored, revalidated, stale, failed, invalidated, never mixed."""

from __future__ import annotations

import asyncio
import json
import random
import socket

import pytest

from config.topology import Route
from tests.edge.conftest import BLOCK, Asked, Edge, Plan, Thing, eventually, says
from tests.helpers.raw_client import Answer, CutShortError, head

FILM = random.Random(5).randbytes(5 * BLOCK + 5)
PATH = "/a.mp4"
STALE = ("Cache-Control: max-age=10", "Age: 100")
SERVED_WHILE_ASKING = ("Cache-Control: max-age=10, stale-while-revalidate=1000", "Age: 100")
NEVER_STALE = ("Cache-Control: max-age=10, must-revalidate", "Age: 100")


def status_of(answer: Answer) -> str:
    return answer.fields["cache-status"]


def fails(origin_asked: Asked) -> None:
    raise ConnectionResetError


async def hangs_up(
    asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Closes before it answers."""
    writer.close()


async def test_a_304_keeps_the_blocks_and_renews_the_head(edge: Edge) -> None:
    thing = edge.origin.put(PATH, FILM, lines=STALE)
    client = await edge.client()
    await client.ask(PATH)
    await eventually(lambda: edge.worker.holdings.held_blocks == 6, "all is held")
    asked = len(edge.origin.asked)
    thing.lines = ("Cache-Control: max-age=3600", "X-New: yes")
    answer = await client.ask(PATH)
    assert (answer.body, answer.fields["x-new"]) == (FILM, "yes")
    assert status_of(answer).startswith("edge-1; fwd=stale; fwd-status=304")
    assert edge.origin.asked[-1].fields["if-none-match"] == thing.etag
    assert len(edge.origin.asked) == asked + 1
    assert status_of(await client.ask(PATH)).startswith("edge-1; hit")


async def test_a_changed_validator_brings_the_new_version_whole(edge: Edge) -> None:
    edge.origin.put(PATH, FILM, lines=STALE)
    client = await edge.client()
    await client.ask(PATH)
    edge.origin.put(PATH, FILM[::-1])
    answer = await client.ask(PATH)
    assert answer.body == FILM[::-1]
    assert (await client.ask(PATH, "Range: bytes=-5")).body == FILM[::-1][-5:]


async def test_an_answer_never_mixes_two_versions(edge: Edge) -> None:
    old, new = random.Random(1).randbytes(60 * BLOCK), random.Random(2).randbytes(60 * BLOCK)
    edge.origin.put(PATH, old)
    client = await edge.client()
    assert (await client.ask(PATH, "Range: bytes=0-9")).body == old[:10]
    edge.origin.put(PATH, new)
    await client.send(head(PATH))
    with pytest.raises(CutShortError) as cut:
        await client.answer()
    assert old.startswith(cut.value.received)
    again = await edge.client()
    assert (await again.ask(PATH)).body == new


async def test_stale_content_is_served_when_the_origin_fails(edge: Edge) -> None:
    edge.origin.put(PATH, FILM, lines=STALE)
    client = await edge.client()
    await client.ask(PATH)
    await eventually(lambda: edge.worker.holdings.held_blocks == 6, "all is held")
    for script in (hangs_up, says("503 No", b"down"), says("500 No", b"broken")):
        edge.origin.scripts[PATH] = script
        answer = await client.ask(PATH)
        assert (answer.status, answer.body) == (200, FILM)
        assert int(answer.fields["age"]) >= 100


async def test_content_that_may_not_be_stale_is_not_served_when_the_origin_fails(
    edge: Edge,
) -> None:
    edge.origin.put(PATH, FILM, lines=NEVER_STALE)
    client = await edge.client()
    await client.ask(PATH)
    edge.origin.scripts[PATH] = hangs_up
    assert (await client.ask(PATH)).status == 504


async def test_stale_while_revalidate_answers_at_once_and_asks_behind(edge: Edge) -> None:
    thing = edge.origin.put(PATH, FILM, lines=SERVED_WHILE_ASKING)
    client = await edge.client()
    await client.ask(PATH)
    await eventually(lambda: edge.worker.holdings.held_blocks == 6, "all is held")
    asked, go = len(edge.origin.asked), asyncio.Event()

    async def slow(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await go.wait()
        await edge.origin.serve_thing(asked, reader, writer)

    edge.origin.scripts[PATH] = slow
    for _ in range(3):
        answer = await client.ask(PATH)
        assert answer.body == FILM
        assert status_of(answer).startswith("edge-1; hit")
    await eventually(lambda: len(edge.origin.asked) == asked + 1, "one question went out")
    thing.lines = ("Cache-Control: max-age=3600",)
    go.set()
    entry = edge.worker.holdings.entries[PATH.encode()]
    await eventually(lambda: entry.head.freshness.lifetime_seconds == 3600, "it is renewed")
    assert len(edge.origin.asked) == asked + 1


async def test_many_viewers_cost_one_question(edge: Edge) -> None:
    go = asyncio.Event()

    async def slow(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await go.wait()
        await edge.origin.serve_thing(asked, reader, writer)

    edge.origin.put(PATH, FILM[:BLOCK])
    edge.origin.scripts[PATH] = slow
    clients = [await edge.client() for _ in range(30)]
    for client in clients:
        await client.send(head(PATH))
    await eventually(lambda: len(edge.worker.server.connections) == 30, "all are here")
    go.set()
    answers = [await client.answer() for client in clients]
    assert {answer.body for answer in answers} == {FILM[:BLOCK]}
    assert len(edge.origin.asked) == 1
    assert sum("collapsed" in status_of(answer) for answer in answers) == 29


async def test_a_cold_whole_get_costs_one_request(edge: Edge) -> None:
    edge.origin.put(PATH, FILM)
    client = await edge.client()
    assert (await client.ask(PATH)).body == FILM
    assert edge.origin.targets() == [f"GET {PATH}"]


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
    async with plan.but(read_timeout_seconds=0.1).start() as edge:
        client = await edge.client()
        for method in ("GET", "POST"):
            assert (await client.ask(PATH, method=method)).status == 504


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


async def test_a_request_that_came_through_here_before_is_refused(edge: Edge) -> None:
    client = await edge.client()
    assert (await client.ask(PATH, "Via: 1.1 other, 1.1 edge-1")).status == 508
    assert edge.origin.asked == []


async def test_variants_are_kept_apart(edge: Edge) -> None:
    async def by_language(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        language = asked.fields.get("accept-language", "none")
        await says(
            "200 OK", language.encode(), "Cache-Control: max-age=60", "Vary: Accept-Language"
        )(asked, reader, writer)

    edge.origin.scripts["/v"] = by_language
    client = await edge.client()
    for _ in range(3):
        for language in ("de", "fr"):
            answer = await client.ask("/v", f"Accept-Language: {language}")
            assert answer.body == language.encode()
        assert (await client.ask("/v")).body == b"none"
    assert len(edge.origin.asked) == 3


async def test_a_viewers_cmcd_argument_is_no_part_of_the_key(edge: Edge) -> None:
    edge.origin.put(PATH, FILM[:100])
    client = await edge.client()
    await client.ask(PATH + "?CMCD=bl%3D100")
    assert "hit" in status_of(await client.ask(PATH + "?CMCD=bl%3D200"))
    assert "hit" in status_of(await client.ask(PATH))
    assert "uri-miss" in status_of(await client.ask(PATH + "?x=1&CMCD=bl%3D200"))
    assert "hit" in status_of(await client.ask(PATH + "?CMCD=a&x=1"))
    assert edge.origin.targets() == [f"GET {PATH}", f"GET {PATH}?x=1"]


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

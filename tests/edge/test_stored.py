"""Stored content: served, revalidated, stale, collapsed, never mixed."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from config.topology import Route
from tests.edge.conftest import BLOCK, Asked, Edge, Plan, eventually, says
from tests.helpers.raw_client import Answer, CutShortError, head

FILM = random.Random(5).randbytes(5 * BLOCK + 5)
PATH = "/a.mp4"


def status_of(answer: Answer) -> str:
    return answer.fields["cache-status"]


async def hangs_up(
    asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Closes before it answers."""
    writer.close()


STALE = ("Cache-Control: max-age=10", "Age: 100")


SERVED_WHILE_ASKING = ("Cache-Control: max-age=10, stale-while-revalidate=1000", "Age: 100")


NEVER_STALE = ("Cache-Control: max-age=10, must-revalidate", "Age: 100")


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


async def test_a_cold_head_is_passed_and_a_later_one_is_answered_from_the_entry(
    edge: Edge,
) -> None:
    edge.origin.put(PATH, FILM)
    client = await edge.client()
    assert status_of(await client.ask(PATH, method="HEAD")).startswith("edge-1; fwd=")
    await client.ask(PATH)
    await eventually(lambda: edge.worker.holdings.held_blocks == 6, "all is held")
    warm = await client.ask(PATH, method="HEAD")
    assert status_of(warm).startswith("edge-1; hit")
    assert warm.fields["content-length"] == str(len(FILM))
    assert edge.origin.targets() == [f"HEAD {PATH}", f"GET {PATH}"]


async def test_a_head_keeps_its_entry_from_being_the_first_to_leave(edge: Edge) -> None:
    client = await edge.client()
    for name in ("/old", "/new"):
        edge.origin.put(name, FILM[:BLOCK])
        await client.ask(name)
    holdings = edge.worker.holdings
    await eventually(lambda: holdings.held_blocks == 2, "both are held")
    await client.ask("/old", method="HEAD")
    new = holdings.entries[b"/new"]
    assert holdings.keeping.pop(new.disk) == (new, 0)


async def test_another_upstreams_answer_says_that_the_first_is_ill(plan: Plan) -> None:
    dead = "http://127.0.0.1:1"
    routed = replace(plan, routes=(Route("/", (dead, plan.origin.url)),))
    plan.origin.put("/a", b"content")
    async with routed.start() as edge:
        client = await edge.client()
        missed = await client.ask("/a")
        assert (missed.status, missed.body) == (200, b"content")
        assert missed.fields["cache-status"].endswith("detail=health")
        assert "hit" in (await client.ask("/a")).fields["cache-status"]


async def test_an_upstream_that_is_gone_is_an_error_of_health(plan: Plan) -> None:
    async with replace(plan, routes=(Route("/", ("http://127.0.0.1:1",)),)).start() as edge:
        refused = await (await edge.client()).ask("/a")
        assert refused.status == 502
        assert refused.fields["cache-status"].endswith("detail=health")
        assert refused.fields["content-type"] == "application/problem+json"

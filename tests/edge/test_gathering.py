"""Who may share the course of another's request, and what becomes of the others."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter

import pytest

from tests.edge.conftest import Asked, Edge, Origin, Thing, eventually, plain_answer
from tests.edge.rest import all_at_rest
from tests.helpers.raw_client import head

TARGET = "/films/a.mp4"
COUNT = 20


class Held:
    """An origin that answers once it is let, then and later."""

    def __init__(self, origin: Origin, *lines: str) -> None:
        self.go = asyncio.Event()
        self.asked = 0
        self.content = b"old"
        self._lines = lines or ("Cache-Control: max-age=60", 'ETag: "1"')
        origin.scripts[TARGET] = self._serve

    async def _serve(self, asked: Asked, reader: StreamReader, writer: StreamWriter) -> None:
        self.asked += 1
        content = self.content
        await self.go.wait()
        writer.write(plain_answer("200 OK", content, *self._lines))


async def waiting(edge: Edge, *lines: str) -> list[asyncio.Task[bytes]]:
    """Viewers whose requests have been read, and what they will get."""
    clients = [await edge.client() for _ in range(COUNT)]
    for client in clients:
        await client.send(head(TARGET, *lines))
    assert (await (await edge.client()).ask("*", method="OPTIONS")).status == 204
    return [asyncio.ensure_future(_body(client.answer())) for client in clients]


async def _body(answer: object) -> bytes:
    return (await answer).body  # type: ignore[misc, no-any-return]


@pytest.mark.parametrize(
    "line",
    [
        "X-Request-Id: mine",
        "CMCD-Request: nor=%22b.mp4%22",
        "CMCD-Object: br=3200",
        "CMCD-Status: bs",
        "CMCD-Session: st=v",
    ],
)
async def test_a_request_that_names_its_viewer_has_its_own_course(edge: Edge, line: str) -> None:
    held = Held(edge.origin)
    bodies = await waiting(edge, line)
    assert len(edge.worker.server._tasks) == COUNT
    held.go.set()
    assert set(await asyncio.gather(*bodies)) == {b"old"}
    assert held.asked == 1
    await all_at_rest(edge)


async def test_nobody_waits_for_a_question_that_a_change_has_overtaken(edge: Edge) -> None:
    held = Held(edge.origin)
    early = await waiting(edge)
    held.content = b"new"
    edge.worker.holdings.invalidate(TARGET.encode(), None)
    late = await waiting(edge)
    await eventually(lambda: held.asked == 2, "the late ones have asked anew")
    held.go.set()
    assert set(await asyncio.gather(*late)) == {b"new"}
    assert set(await asyncio.gather(*early)) <= {b"old", b"new"}
    await all_at_rest(edge)


async def test_an_answer_for_one_alone_sends_the_others_on_their_own_way(edge: Edge) -> None:
    held = Held(edge.origin, "Cache-Control: private")
    bodies = await waiting(edge)
    await eventually(lambda: held.asked == 1, "the origin is asked")
    held.go.set()
    assert set(await asyncio.gather(*bodies)) == {b"old"}
    assert held.asked == COUNT
    await all_at_rest(edge)


async def test_a_crowd_at_one_variant_gets_that_variant(edge: Edge) -> None:
    lines = ("Cache-Control: max-age=60", "Vary: Accept-Language")
    held = Held(edge.origin, *lines)
    bodies = await waiting(edge, "Accept-Language: de")
    held.go.set()
    assert set(await asyncio.gather(*bodies)) == {b"old"}
    held.content = b"english"
    others = await waiting(edge, "Accept-Language: en")
    assert set(await asyncio.gather(*others)) == {b"english"}
    await all_at_rest(edge)


async def test_hits_that_come_together_are_all_answered(edge: Edge) -> None:
    edge.origin.things["/films/b.mp4"] = Thing(b"content")
    client = await edge.client()
    assert (await client.ask("/films/b.mp4")).status == 200
    clients = [await edge.client() for _ in range(COUNT)]
    for each in clients:
        await each.send(head("/films/b.mp4", "User-Agent: seen never before"))
    bodies = await asyncio.gather(*(_body(each.answer()) for each in clients))
    assert set(bodies) == {b"content"}
    assert len(edge.origin.asked) == 1
    await all_at_rest(edge)

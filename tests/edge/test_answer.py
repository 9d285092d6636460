"""Answers that come from no entry, and the lines every answer carries."""

from __future__ import annotations

import random

from tests.edge.conftest import BLOCK, Edge
from tests.helpers.raw_client import head

FILM = random.Random(7).randbytes(5 * BLOCK + 1234)
PATH = "/films/a.mp4"


async def test_the_request_id_of_the_client_comes_back_and_a_bad_one_is_replaced(
    edge: Edge,
) -> None:
    edge.origin.put(PATH, FILM)
    client = await edge.client()
    for _ in range(2):
        assert (await client.ask(PATH, "X-Request-Id: abc-1")).fields["x-request-id"] == "abc-1"
    made = (await client.ask(PATH, "X-Request-Id: <script>")).fields["x-request-id"]
    other = (await client.ask(PATH)).fields["x-request-id"]
    assert "<" not in made
    assert made != other


async def test_pages_of_other_sites_may_read_answers(edge: Edge) -> None:
    edge.origin.put(PATH, FILM)
    client = await edge.client()
    for _ in range(2):
        answer = await client.ask(PATH, "Origin: https://player.test")
        assert answer.fields["access-control-allow-origin"] == "*"
        assert "Content-Range" in answer.fields["access-control-expose-headers"]


async def test_preflight_is_answered_without_the_origin(edge: Edge) -> None:
    client = await edge.client()
    answer = await client.ask(
        PATH, "Origin: https://a.test", "Access-Control-Request-Method: GET", method="OPTIONS"
    )
    assert answer.status == 204
    assert "Range" in answer.fields["access-control-allow-headers"]
    assert "content-length" not in answer.fields
    assert edge.origin.asked == []


async def test_http_1_0_is_told_when_its_connection_is_kept(edge: Edge) -> None:
    edge.origin.put(PATH, FILM)
    client = await edge.client()
    for _ in range(2):
        await client.send(head(PATH, "Connection: keep-alive", version="1.0"))
        answer = await client.answer()
        assert (answer.body, answer.fields.get("connection")) == (FILM, "keep-alive")
    await client.send(head(PATH, version="1.0"))
    answer = await client.answer()
    assert (answer.body, answer.fields.get("connection")) == (FILM, "close")
    assert await client.rest() == b""

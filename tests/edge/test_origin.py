"""What the edge asks its upstreams for: its own head, the right route, one version's bytes."""

from __future__ import annotations

import random

from config.topology import Route
from tests.edge.conftest import BLOCK, Plan, says, started_origin
from tests.helpers.raw_client import head

FIRST = 2 * BLOCK
"""Of a question for one block: as much again comes ahead of it."""
FILM = random.Random(61).randbytes(40 * BLOCK)


async def test_only_what_belongs_to_the_conversation_goes_up(plan: Plan) -> None:
    plan.origin.put("/a", FILM[:100])
    async with plan.start() as edge:
        client = await edge.client()
        await client.ask(
            "/a?q=1", "X-Request-Id: r-1", "Via: 1.1 before", "Range: bytes=0-3",
            "If-None-Match: \"x\"", "Connection: x-hop", "X-Hop: no", "Expect: nothing",
            "Accept: video/mp4", "CDN-Loop: other",
        )  # fmt: skip
    (asked,) = plan.origin.asked
    assert asked.target == "/a?q=1"
    assert asked.fields["host"] == plan.origin.url[7:]
    assert asked.fields["via"] == "1.1 before, 1.1 edge-1"
    assert "cinedge" in asked.fields["cdn-loop"]
    assert asked.fields["accept"] == "video/mp4"
    assert asked.fields["range"] == f"bytes=0-{FIRST - 1}", "whole blocks are asked for"
    assert not {"x-hop", "if-none-match", "expect", "connection"} & set(asked.fields)


async def test_later_parts_are_asked_for_of_the_same_version_in_whole_blocks(plan: Plan) -> None:
    thing = plan.origin.put("/a", FILM)
    async with plan.start() as edge:
        client = await edge.client()
        await client.ask("/a", "Range: bytes=0-9")
        await client.ask("/a", f"Range: bytes={30 * BLOCK + 5}-{31 * BLOCK}")
    for asked in plan.origin.asked[1:]:
        first, _, last = asked.fields["range"][6:].partition("-")
        assert asked.fields["if-match"] == thing.etag
        assert int(first) % BLOCK == 0
        assert (int(last) + 1) % BLOCK == 0


async def test_the_longest_prefix_names_the_upstream_and_its_path_replaces_it(plan: Plan) -> None:
    async with started_origin() as other:
        plan.routes = (
            Route("/", (plan.origin.url,)),
            Route("/pull/", (other.url + "/base/",)),
        )
        plan.origin.put("/a", b"plain")
        other.put("/base/a", b"pulled")
        async with plan.start() as edge:
            client = await edge.client()
            assert (await client.ask("/a")).body == b"plain"
            assert (await client.ask("/pull/a")).body == b"pulled"


async def test_the_second_upstream_is_asked_when_the_first_fails(plan: Plan) -> None:
    async with started_origin() as spare:
        plan.routes = (Route("/", (plan.origin.url, spare.url)),)
        plan.origin.scripts["/a"] = says("503 No", b"down")
        spare.put("/a", b"film")
        async with plan.start() as edge:
            client = await edge.client()
            assert (await client.ask("/a")).body == b"film"


async def test_a_request_with_content_carries_our_framing_once(plan: Plan) -> None:
    plan.origin.scripts["/p"] = says("200 OK", b"")
    async with plan.start() as edge:
        client = await edge.client()
        await client.send(head("/p", "Content-Length: 0", method="POST"))
        await client.answer()
        await client.send(head("/p", "Content-Length: 2", "Cookie: a=b", method="POST") + b"ab")
        await client.answer()
        await client.send(
            head("/p", "Transfer-Encoding: chunked", method="PUT") + b"1\r\nx\r\n0\r\n\r\n"
        )
        await client.answer()
    empty, sized, chunked = plan.origin.asked
    assert empty.fields["content-length"] == "0"
    assert (sized.fields["content-length"], sized.fields["cookie"]) == ("2", "a=b")
    assert chunked.fields["transfer-encoding"] == "chunked"
    for asked in plan.origin.asked:
        assert asked.head.lower().count(b"content-length") + asked.head.count(b"chunked") == 1

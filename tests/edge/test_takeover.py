"""Another topology comes into a running worker: what it changes, and what nobody notices."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import Any

import pytest

from cdnkit.errors import BadRequestError
from cdnkit.tokens import Claims, sign
from config.caching import Caching
from config.pacing import Pacing
from config.token_keys import TokenKey
from config.topology import OriginNode, Route
from edge.pacing import SO_MAX_PACING_RATE
from edge.ways import sources_of
from tests.edge.conftest import BLOCK, Asked, Edge, Plan, eventually, started_origin

FILM = bytes(range(256)) * (10 * BLOCK // 256)
OLD, NEW = (TokenKey(name, f"key-of-sixteen-{name}") for name in ("old", "new"))
PART = "Range: bytes=0-99"


async def adopt(edge: Edge, plan: Plan, **changes: Any) -> None:
    changed = replace(plan, **changes)
    await edge.worker.adopt(changed.node(), changed.topology())


def token_of(key: TokenKey) -> str:
    return sign(Claims(key.id, "/", 2**40), {key.id: key.secret.encode()})


async def test_a_connection_stays_and_the_next_request_goes_by_the_new_rules(
    plan: Plan, edge: Edge
) -> None:
    plan.origin.put("/a", FILM)
    client = await edge.client()
    assert (await client.ask("/a", PART)).status == 206
    await adopt(edge, plan, routes=(Route("/other/", upstream=(plan.origin.url,)),))
    assert (await client.ask("/a", PART)).status == 404
    await adopt(edge, plan)
    assert (await client.ask("/a", PART)).status == 206


async def test_the_doubt_about_other_servers_outlives_a_restart(plan: Plan) -> None:
    plan.origin.put("/a", FILM)
    async with started_origin() as other:
        async with plan.start() as edge:
            await (await edge.client()).ask("/a")
            await eventually(lambda: edge.worker.holdings.held_blocks == 10, "all is held")
            await adopt(edge, plan, routes=(Route("/", upstream=(other.url,)),))
        other.put("/a", FILM[::-1], etag='"other"')
        plan.routes = (Route("/", upstream=(other.url,)),)
        async with plan.start() as edge:
            assert (await (await edge.client()).ask("/a")).body == FILM[::-1]


async def test_other_servers_are_asked_whether_what_is_held_is_theirs(
    plan: Plan, edge: Edge
) -> None:
    plan.origin.put("/a", FILM)
    client = await edge.client()
    await client.ask("/a")
    async with started_origin() as other:
        other.put("/a", FILM[::-1], etag='"other"')
        await adopt(edge, plan, routes=(Route("/", upstream=(other.url,)),))
        answer = await client.ask("/a")
        assert answer.body == FILM[::-1]
        asked = len(plan.origin.asked)
        await client.ask("/b")
        assert len(plan.origin.asked) == asked


async def test_the_same_servers_are_not_asked_again(plan: Plan, edge: Edge) -> None:
    plan.origin.put("/a", FILM)
    client = await edge.client()
    await client.ask("/a")
    asked = len(plan.origin.asked)
    routes = (Route("/", upstream=(plan.origin.url,), caching=Caching("rfc")),)
    await adopt(edge, plan, routes=routes)
    assert (await client.ask("/a")).body == FILM
    assert len(plan.origin.asked) == asked


async def test_an_answer_under_way_is_finished_from_where_it_began(plan: Plan, edge: Edge) -> None:
    plan.origin.put("/a", FILM)
    gate = asyncio.Event()

    async def slow(asked: Asked, reader: asyncio.StreamReader, writer: Any) -> None:
        await gate.wait()
        await plan.origin.serve_thing(asked, reader, writer)

    plan.origin.scripts["/a"] = slow
    client = await edge.client()
    asking = asyncio.ensure_future(client.ask("/a"))
    await eventually(lambda: len(plan.origin.asked) == 1, "the origin is asked")
    del plan.origin.scripts["/a"]
    await adopt(edge, plan.but(connect_timeout_seconds=1.0))
    gate.set()
    body = (await asking).body
    assert hashlib.sha256(body).digest() == hashlib.sha256(FILM).digest()


async def test_a_key_that_goes_lets_nobody_in_whom_the_lane_knew(plan: Plan) -> None:
    plan.origin.put("/a", FILM)
    routes = (Route("/", upstream=(plan.origin.url,), token=True),)
    plan = replace(plan, routes=routes, token_keys=(OLD,))
    async with plan.start() as edge:
        client = await edge.client()
        path = f"/~{token_of(OLD)}/a"
        # The lane takes what is held, and blocks are saved behind the answers.
        for _ in range(1000):
            assert (await client.ask(path, PART)).status == 206
            if edge.worker.lane.parts:
                break
        assert edge.worker.lane.parts
        await adopt(edge, plan, token_keys=(NEW, OLD))
        assert (await client.ask(path, PART)).status == 206
        assert (await client.ask(f"/~{token_of(NEW)}/a", PART)).status == 206
        await adopt(edge, plan, token_keys=(NEW,))
        assert (await client.ask(path, PART)).status == 403


async def test_a_pace_that_comes_holds_for_connections_that_are_open(
    plan: Plan, edge: Edge
) -> None:
    plan.origin.put("/a", FILM)
    client = await edge.client()
    for _ in range(3):
        await client.ask("/a", PART)
    (connection,) = edge.worker.server.connections.values()
    pacing = Pacing(bitrate_bytes_per_second=10**6, burst_bytes=0, burst_seconds=0)
    await adopt(edge, plan, routes=(Route("/", upstream=(plan.origin.url,), pacing=pacing),))
    assert not edge.worker.lane.recalls
    await client.ask("/a", PART)
    assert connection.paced is not None
    assert connection.sock.getsockopt(1, SO_MAX_PACING_RATE) == 2 * 10**6


async def test_limits_and_reading_ahead_change(plan: Plan, edge: Edge) -> None:
    await adopt(edge, plan.but(connections_max=77, idle_timeout_seconds=3, read_ahead_blocks=0))
    assert edge.worker.server.limits.connections_max == 77
    assert edge.worker.server.limits.idle_timeout_seconds == 3


async def test_what_takes_a_restart_stays_as_it_was(plan: Plan, edge: Edge) -> None:
    plan.origin.put("/a", FILM)
    await adopt(edge, plan.but(block_bytes=4 * BLOCK, idle_timeout_seconds=3))
    client = await edge.client()
    await client.ask("/a")
    (entry,) = edge.worker.holdings.entries.values()
    assert entry.block_bytes == BLOCK
    assert edge.worker.server.limits.idle_timeout_seconds == 3


async def test_origins_that_come_are_followed(plan: Plan, edge: Edge) -> None:
    plan.origin.put("/v1/content/a", FILM)
    origins = (OriginNode("o", plan.listen, "/nowhere", url=plan.origin.url),)
    await adopt(edge, plan, origins=origins, routes=(Route("/"),))
    await eventually(
        lambda: any("/v1/changes" in asked.target for asked in plan.origin.asked),
        "the journal of the origin is asked for",
    )
    await adopt(edge, plan)


async def test_a_topology_that_cannot_be_used_changes_nothing(plan: Plan, edge: Edge) -> None:
    plan.origin.put("/a", FILM)
    broken = replace(plan, token_keys=(TokenKey("short", "x"),), routes=(Route("/b"),))
    with pytest.raises(BadRequestError):
        await edge.worker.adopt(broken.node(), broken.topology())
    assert (await (await edge.client()).ask("/a")).body == FILM


def test_sources_are_those_of_every_prefix(plan: Plan) -> None:
    topology = replace(
        plan.topology(),
        origins=(OriginNode("o", plan.listen, "/d", url="http://o"),),
        routes=(Route("/"), Route("/x/", upstream=("http://x",))),
    )
    assert sources_of(topology) == {"/": ("http://o",), "/x/": ("http://x",)}

"""Edges of one topology admit each other by a signature, and nobody else by anything."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.tokens import Claims, open_token, sign
from config.token_keys import TokenKey
from config.topology import Address, EdgeNode, OriginNode, Route, Site, Topology
from edge.app import worker
from edge.hop import LIFE_SECONDS, Hop, HopRefusedError, format_hop, parse_hop
from edge.routes import tiers_of
from tests.edge.conftest import BLOCK, Edge, Plan
from tests.edge.test_feed import Journal
from tests.helpers.raw_client import Answer

KEYS = {"k": b"a-key-of-thirty-two-characters!!", "old": b"another-key-of-thirty-two-chars!"}
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)
HOPS = st.builds(
    Hop, NAMES, NAMES, st.integers(0, 2**40), st.lists(st.integers(0, 2**40), max_size=4).map(tuple)
)
FILM = random.Random(3).randbytes(12 * BLOCK)
NOW = 1_800_000_000.0
HEARD = (0,)


@given(HOPS, st.binary(max_size=60), st.sampled_from(sorted(KEYS)))
def test_what_is_signed_is_read_by_who_has_the_key(hop: Hop, target: bytes, key_id: str) -> None:
    value = format_hop(hop, target, key_id, KEYS[key_id])
    assert parse_hop(value, target, KEYS) == hop
    with pytest.raises(HopRefusedError):
        parse_hop(value, target + b"x", KEYS)
    with pytest.raises(HopRefusedError):
        parse_hop(value, target, {key_id: b"not-the-key-but-one-as-long-as-it"})


@given(HOPS, st.data())
def test_no_byte_of_it_can_be_changed(hop: Hop, data: st.DataObject) -> None:
    value = bytearray(format_hop(hop, b"/a", "k", KEYS["k"]))
    at = data.draw(st.integers(0, len(value) - 1))
    value[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(HopRefusedError):
        parse_hop(bytes(value), b"/a", KEYS)


@given(st.binary(max_size=200))
def test_anything_else_is_refused(value: bytes) -> None:
    with pytest.raises(HopRefusedError):
        parse_hop(value, b"/a", KEYS)


def test_a_playback_token_is_no_signature() -> None:
    token = sign(Claims("k", "/", 2**40), KEYS)
    assert open_token(token, KEYS)
    with pytest.raises(HopRefusedError):
        parse_hop(token.encode(), b"/", KEYS)


@pytest.fixture
def topology(plan: Plan) -> Topology:
    """Two edges of a site that share; the plan's is the first."""
    node = plan.node()
    other = replace(node, name="edge-2", listen=Address("127.0.0.1", 1))
    return Topology(
        sites=(Site("here", 0.0, 0.0, peers=True),),
        edges=(node, other),
        origins=(OriginNode("origin-1", Address("127.0.0.1", 2), "data", url=plan.origin.url),),
        routes=(Route("/", token=True),),
        token_keys=tuple(TokenKey(each, key.decode()) for each, key in KEYS.items()),
    )


def node_of(topology: Topology) -> EdgeNode:
    return topology.edges[0]


def path_of(topology: Topology, owner: str, number: int = 0) -> str:
    """The first path that this edge owns."""
    tiers = tiers_of(node_of(topology), topology)
    paths = [f"/{each}" for each in range(100) if tiers.owner_of(b"/%d" % each) == owner]
    return paths[number]


@pytest.fixture
async def running(plan: Plan, topology: Topology) -> AsyncIterator[Edge]:
    """The first of the two edges; the other one is dead."""
    plan.origin.put(f"/v1/content{path_of(topology, 'edge-1')}", FILM)
    plan.origin.put(f"/v1/content{path_of(topology, 'edge-2')}", FILM)
    async with worker(node_of(topology), topology, now=lambda: NOW) as started:
        edge = Edge(started, plan.origin)
        yield edge
        for client in edge.clients:
            client.close()


def field_of(path: str, **changes: Any) -> str:
    """What the second edge sends with a question to the first."""
    hop = replace(Hop("edge-2", "edge-1", int(NOW) + LIFE_SECONDS, HEARD), **changes)
    return "Cinedge-Hop: " + format_hop(hop, path.encode(), "old", KEYS["old"]).decode()


@pytest.fixture
def journal(plan: Plan) -> Journal:
    return Journal(plan.origin)


def content_ranges(plan: Plan) -> list[str]:
    return [each.fields["range"] for each in plan.origin.asked if "content" in each.target]


async def test_a_peer_needs_no_token_and_gets_the_blocks_it_asked_for(
    journal: Journal, plan: Plan, topology: Topology, running: Edge
) -> None:
    path, client = path_of(topology, "edge-1"), await running.client()
    for first, last in ((2, 3), (2, 3), (4, 5)):
        wanted = f"Range: bytes={first * BLOCK}-{last * BLOCK - 1}"
        answer = await client.ask(path, field_of(path), wanted, "Via: 1.1 edge-2")
        assert (answer.status, answer.body) == (206, FILM[first * BLOCK : last * BLOCK])
    expected = [f"bytes={n * BLOCK}-{(n + 1) * BLOCK - 1}" for n in (2, 4)]
    assert content_ranges(plan) == expected, "nothing ahead: the peer asks for that itself"
    assert not any("cinedge-hop" in each.fields for each in plan.origin.asked)
    assert (await client.ask(path)).status == 403, "the connection has admitted nobody"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"receiver": "edge-3"}, "another edge"),
        ({"expires_at": int(NOW)}, "time is over"),
        ({"expires_at": int(NOW) + 10 * LIFE_SECONDS}, "time is over"),
        ({"heard": ()}, "not heard"),
    ],
)
async def test_what_is_not_for_this_edge_now_is_refused(
    journal: Journal, topology: Topology, running: Edge, changes: dict[str, Any], why: str
) -> None:
    path, client = path_of(topology, "edge-1"), await running.client()
    answer = await client.ask(path, field_of(path, **changes))
    assert answer.status == 421
    assert why in answer.body.decode()


async def test_an_edge_that_is_not_the_owner_refuses_so_that_none_waits_for_another(
    journal: Journal, topology: Topology, running: Edge
) -> None:
    path, client = path_of(topology, "edge-2"), await running.client()
    assert (await client.ask(path, field_of(path))).status == 421
    assert (await client.ask(path, field_of(path), method="POST")).status == 421


async def test_who_has_heard_less_does_not_answer_until_it_has(
    journal: Journal, topology: Topology, running: Edge
) -> None:
    path, client = path_of(topology, "edge-1"), await running.client()
    held = field_of(path, heard=(1,))
    assert (await client.ask(path, held)).status == 421, "after a purge its copy may be the old one"
    asking: asyncio.Task[Answer] = asyncio.ensure_future(client.ask(path, held))
    journal.add("something/else")
    assert (await asking).status == 200


async def test_a_viewer_is_served_while_the_owner_is_dead(
    journal: Journal, topology: Topology, running: Edge
) -> None:
    path, client = path_of(topology, "edge-2"), await running.client()
    token = sign(Claims("k", "/", 2**40), KEYS)
    answer = await client.ask(f"/~{token}{path}")
    assert (answer.status, answer.body) == (200, FILM)
    assert "detail=health" in answer.fields["cache-status"]

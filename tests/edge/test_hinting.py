"""Hints of players: the next piece of the title is here before they ask, and nothing else is."""

from __future__ import annotations

import asyncio
import random
from asyncio import StreamReader, StreamWriter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdnkit.tokens import Claims, sign
from config.token_keys import TokenKey
from config.topology import Route
from edge.hinting import HINTS_MAX
from tests.edge.conftest import BLOCK, Asked, Edge, Plan, eventually, says
from tests.edge.rest import all_at_rest
from tests.helpers.raw_client import head

FIRST, SECOND = "/films/a/seg1.m4s", "/films/a/seg2.m4s"
CONTENT = random.Random(7).randbytes(3 * BLOCK + 7)


def nor(name: str, more: str = "") -> str:
    return f'CMCD-Request: nor="{name}"{more}'


def at_rest(edge: Edge) -> bool:
    return not any(connection.hint for connection in edge.worker.server.connections.values())


@pytest.fixture
def film(edge: Edge) -> Edge:
    """Two pieces of a film and one of another."""
    for path in (FIRST, SECOND, "/films/b/seg1.m4s"):
        edge.origin.put(path, CONTENT)
    return edge


async def test_what_is_named_is_fetched_once_and_a_hit_then(film: Edge) -> None:
    clients = [await film.client() for _ in range(4)]
    for client in clients:
        await client.send(head(FIRST, nor("seg2.m4s")))
    for client in clients:
        assert (await client.answer()).body == CONTENT
    await eventually(lambda: at_rest(film), "the hints are followed")
    assert film.origin.targets().count(f"GET {SECOND}") == 1
    answer = await clients[0].ask(SECOND)
    assert answer.body == CONTENT
    assert "; hit" in answer.fields["cache-status"]
    assert sorted(film.origin.targets()) == [f"GET {FIRST}", f"GET {SECOND}"]
    await all_at_rest(film)


async def test_the_hint_may_stand_in_the_query(film: Edge) -> None:
    client = await film.client()
    await client.ask(FIRST + "?CMCD=nor%3D%22seg2.m4s%22")
    await eventually(lambda: f"GET {SECOND}" in film.origin.targets(), "it is fetched")
    await eventually(lambda: at_rest(film), "the hint is followed")
    await all_at_rest(film)


async def test_a_range_alone_fetches_that_part_of_the_same_object(film: Edge) -> None:
    client = await film.client()
    await client.ask(FIRST, "Range: bytes=0-9", f'CMCD-Request: nrr="{3 * BLOCK}-{3 * BLOCK + 5}"')
    await eventually(
        lambda: any(
            asked.fields.get("range", "").startswith(f"bytes={3 * BLOCK}-")
            for asked in film.origin.asked
        ),
        "the part is fetched",
    )
    await all_at_rest(film)


@pytest.mark.parametrize("name", ["../b/seg1.m4s", "/films/b/seg1.m4s", "..%2Fb%2Fseg1.m4s"])
async def test_what_lies_outside_the_title_is_ignored(film: Edge, name: str) -> None:
    client = await film.client()
    assert (await client.ask(FIRST, nor(name))).body == CONTENT
    assert film.origin.targets() == [f"GET {FIRST}"]
    await all_at_rest(film)


async def test_a_viewer_that_leaves_ends_its_hint(film: Edge) -> None:
    go = asyncio.Event()

    async def slow(asked: Asked, reader: StreamReader, writer: StreamWriter) -> None:
        await go.wait()
        await film.origin.serve_thing(asked, reader, writer)

    film.origin.scripts[SECOND] = slow
    film.origin.put(SECOND, b"x" * 40 * BLOCK)
    client = await film.client()
    await client.ask(FIRST, nor("seg2.m4s"))
    await eventually(lambda: f"GET {SECOND}" in film.origin.targets(), "it is asked for")
    client.close()
    await eventually(lambda: not film.worker.server.connections, "the viewer is gone")
    go.set()
    await all_at_rest(film)
    # The one question that was out already, and nothing after it.
    assert film.origin.targets().count(f"GET {SECOND}") == 1


async def test_one_of_a_connection_and_a_few_of_a_worker(film: Edge) -> None:
    go = asyncio.Event()

    async def slow(asked: Asked, reader: StreamReader, writer: StreamWriter) -> None:
        await go.wait()
        await says("404 No", b"")(asked, reader, writer)

    names = [f"seg{number}.m4s" for number in range(2, HINTS_MAX + 6)]
    for name in names:
        film.origin.scripts[f"/films/a/{name}"] = slow
    client = await film.client()
    for name in names[:3]:
        await client.ask(FIRST, nor(name))
    assert len(film.origin.targets()) <= 2
    for name in names:
        await (await film.client()).ask(FIRST, nor(name))
    hinted = {target for target in film.origin.targets() if FIRST not in target}
    assert len(hinted) <= HINTS_MAX
    go.set()
    await all_at_rest(film)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
async def test_a_malformed_hint_changes_nothing(film: Edge, text: str) -> None:
    client = await film.client()
    answer = await client.ask(FIRST, f"CMCD-Request: {text}")
    assert (answer.status, answer.body) == (200, CONTENT)
    assert film.origin.targets() == [f"GET {FIRST}"]
    client.close()


@pytest.mark.parametrize(("prefix", "is_followed"), [(FIRST, False), ("/films/a/", True)])
async def test_a_hint_gives_no_access(plan: Plan, prefix: str, is_followed: bool) -> None:
    plan.token_keys = (TokenKey("k", "a key of this test, long enough"),)
    plan.routes = (Route("/", (plan.origin.url,), token=True),)
    token = sign(Claims("k", prefix, 1 << 40), {"k": plan.token_keys[0].secret.encode()})
    plan.origin.put(FIRST, CONTENT)
    plan.origin.put(SECOND, CONTENT)
    async with plan.start() as edge:
        client = await edge.client()
        assert (await client.ask(FIRST, nor("seg2.m4s"))).status in (401, 403)
        assert not edge.origin.asked
        assert (await client.ask(f"/~{token}{FIRST}", nor("seg2.m4s"))).body == CONTENT
        await eventually(lambda: at_rest(edge), "the hint is followed")
        assert (f"GET {SECOND}" in edge.origin.targets()) is is_followed
        await all_at_rest(edge)

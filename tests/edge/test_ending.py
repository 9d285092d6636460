"""A stream ends within a block of its token's end, where the token says so, and else goes on."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from cdnkit.tokens import Claims, sign
from config.token_keys import TokenKey
from config.topology import MIB, Route
from edge.body import Progress
from edge.ending import EndingBody
from tests.edge.conftest import BLOCK, Edge, Plan, eventually
from tests.helpers.clock import FakeClock

SECRET = "a key of this test, long enough"
FILM = bytes(24 * MIB)


class Blocks:
    """Hands out `count` blocks."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.closed = False

    def begin(self, connection: object) -> None:
        """Nothing at hand."""

    def advance(self, connection: object) -> Progress:
        self.left -= 1
        return Progress.READY if self.left >= 0 else Progress.DONE

    def close(self) -> None:
        self.closed = True


class Idle:
    reader = None


def ending(count: int, clock: FakeClock, seconds: float) -> tuple[EndingBody, Blocks]:
    blocks = Blocks(count)
    return EndingBody(cast(Any, blocks), clock() + seconds, clock), blocks


def test_blocks_go_out_until_the_end_and_none_after(clock: FakeClock) -> None:
    body, blocks = ending(5, clock, 10)
    connection = cast(Any, Idle())
    body.begin(connection)
    assert body.advance(connection) is Progress.READY
    clock.advance(10)
    assert body.advance(connection) is Progress.BROKEN
    body.close()
    assert blocks.closed


def test_what_was_handed_out_before_the_end_is_whole(clock: FakeClock) -> None:
    body, _ = ending(1, clock, 10)
    connection = cast(Any, Idle())
    assert body.advance(connection) is Progress.READY
    clock.advance(10)
    assert body.advance(connection) is Progress.DONE


def test_a_reader_that_waits_wakes_the_body_around_it(clock: FakeClock) -> None:
    body, blocks = ending(1, clock, 10)
    connection = cast(Any, Idle())
    connection.reader = cast(Any, type("Waiting", (), {"body": blocks})())
    body.advance(connection)
    assert connection.reader.body is body


@pytest.fixture
def plan(plan: Plan) -> Plan:
    plan.routes = (Route("/", (plan.origin.url,), token=True),)
    plan.token_keys = (TokenKey("k", SECRET),)
    return plan


async def read_past_the_end(edge: Edge, clock: FakeClock, *, ends: bool) -> tuple[int, int, int]:
    """Content of an answer whose token ends after its first bytes were read: what it was to be,
    what came, and what was out (with its head) when the token ended."""
    claims = Claims("k", "/film", int(clock()) + 60, ends_streams=ends)
    token = sign(claims, {"k": SECRET.encode()})
    address = edge.worker.address
    reader, writer = await asyncio.open_connection(address.host, address.port, limit=BLOCK)
    writer.write(f"GET /~{token}/film HTTP/1.1\r\nHost: edge\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    came = len(await reader.readexactly(BLOCK))
    (connection,) = edge.worker.server.connections.values()
    out = connection.sent_bytes
    clock.advance(60)
    while came < len(FILM) and (data := await reader.read(BLOCK)):
        came += len(data)
    writer.close()
    return len(FILM), came, out


@pytest.mark.parametrize("held", [True, False], ids=["held", "on its way"])
async def test_a_stream_ends_within_a_block_of_its_token(
    plan: Plan, clock: FakeClock, held: bool
) -> None:
    plan.now = clock
    plan.origin.put("/film", FILM)
    async with plan.start() as edge:
        if held:
            whole, came, _ = await read_past_the_end(edge, clock, ends=False)
            assert came == whole, "without the claim a stream goes on"
            await eventually(lambda: not edge.worker.server.connections, "the client is gone")
        whole, came, out = await read_past_the_end(edge, clock, ends=True)
        assert came <= out + BLOCK < whole


async def test_such_a_token_is_not_for_the_fast_lane(plan: Plan, clock: FakeClock) -> None:
    plan.now = clock
    plan.origin.put("/film", bytes(9))
    claims = Claims("k", "/film", int(clock()) + 60, ends_streams=True)
    target = f"/~{sign(claims, {'k': SECRET.encode()})}/film"
    async with plan.start() as edge:
        client = await edge.client()
        for _ in range(3):
            assert (await client.ask(target)).status == 200
        assert edge.worker.lane.wholes == 0
        clock.advance(60)
        assert (await client.ask(target)).status == 403

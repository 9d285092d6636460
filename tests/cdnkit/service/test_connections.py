"""Limits of a connection, with real sockets and short limits, on both event loops."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
import uvloop
from aiohttp import web
from structlog.testing import capture_logs

from cdnkit.service.app import build_app
from cdnkit.service.connections import Limits
from cdnkit.service.health import Health
from cdnkit.service.metrics import Telemetry
from cdnkit.service.run import serve
from tests.cdnkit.service.conftest import Start

SHORT = Limits(head_timeout_seconds=0.05)
REQUEST = b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


ROUTES = [web.get("/hello", hello), web.post("/hello", hello)]
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connect(port: int) -> Connection:
    return await asyncio.open_connection("127.0.0.1", port)


async def ended(reader: asyncio.StreamReader) -> bytes:
    """Everything until the server lets go."""
    async with asyncio.timeout(5):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize("sent", [b"", b"G", b"GET /hello HTTP/1.1\r\nHost: a\r\n", b"\r\n"])
async def test_a_head_that_never_ends_is_cut(start: Start, sent: bytes) -> None:
    rig = await start(ROUTES, limits=SHORT)
    reader, writer = await connect(rig.listening.port)
    writer.write(sent)
    assert await ended(reader) == b""
    writer.close()
    assert rig.closed("head-timeout") == 1


async def test_dripping_does_not_buy_time(start: Start) -> None:
    rig = await start(ROUTES, limits=Limits(head_timeout_seconds=0.2))
    reader, writer = await connect(rig.listening.port)
    writer.write(b"GET /hello HTTP/1.1\r\nHost: a\r\n")
    dripping = asyncio.create_task(drip(writer))
    begun = asyncio.get_running_loop().time()
    assert await ended(reader) == b""
    assert asyncio.get_running_loop().time() - begun < 2.0
    dripping.cancel()
    writer.close()
    assert rig.closed("head-timeout") == 1


async def drip(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b"X-A: b\r\n")
        await asyncio.sleep(0.02)


async def test_a_second_head_once_begun_must_end_too(start: Start) -> None:
    rig = await start(ROUTES, limits=SHORT)
    reader, writer = await connect(rig.listening.port)
    writer.write(REQUEST)
    assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200 ")
    writer.write(b"GET /")
    assert await ended(reader) == b""
    writer.close()
    assert rig.closed("head-timeout") == 1
    assert rig.requests("GET", "/hello", 200) == 1


async def test_an_idle_connection_lives_by_the_keepalive_limit_only(start: Start) -> None:
    limits = Limits(head_timeout_seconds=0.03, keepalive_timeout_seconds=0.3)
    rig = await start(ROUTES, limits=limits)
    reader, writer = await connect(rig.listening.port)
    writer.write(REQUEST)
    await reader.readuntil(b"hello")
    begun = asyncio.get_running_loop().time()
    assert await ended(reader) == b""
    assert asyncio.get_running_loop().time() - begun >= 0.2
    writer.close()
    assert rig.closed("head-timeout") == 0


async def test_a_slow_handler_and_a_slow_body_are_not_heads(start: Start) -> None:
    release = asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        body = await request.read()
        await release.wait()
        return web.Response(body=body)

    rig = await start([web.post("/slow", slow)], limits=SHORT)
    reader, writer = await connect(rig.listening.port)
    writer.write(b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
    loop = asyncio.get_running_loop()
    loop.call_later(0.15, writer.write, b"cd")
    loop.call_later(0.3, release.set)
    async with asyncio.timeout(5):
        assert (await reader.readuntil(b"abcd")).startswith(b"HTTP/1.1 200 ")
    writer.close()
    assert rig.closed("head-timeout") == 0


def flooding(stopped: asyncio.Event) -> list[web.RouteDef]:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        finally:
            stopped.set()

    return [web.get("/flood", flood)]


async def test_a_client_that_takes_nothing_is_cut(start: Start) -> None:
    rig = await start(flooding(asyncio.Event()), limits=Limits(write_timeout_seconds=0.1))
    reader, writer = await connect(rig.listening.port)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(b"GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
    (record,) = await rig.records()
    assert record["error"] == "client-gone"
    assert rig.closed("write-timeout") == 1
    writer.transport.abort()
    assert reader is not None


async def test_a_slow_client_that_goes_on_reading_is_served(start: Start) -> None:
    rig = await start(flooding(asyncio.Event()), limits=Limits(write_timeout_seconds=0.1))
    reader, writer = await connect(rig.listening.port)
    writer.write(b"GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
    deadline = asyncio.get_running_loop().time() + 0.5
    while asyncio.get_running_loop().time() < deadline:
        assert await reader.read(1 << 20)
        await asyncio.sleep(0.01)
    writer.transport.abort()
    await rig.records()
    assert rig.closed("write-timeout") == 0


async def test_connections_beyond_the_maximum_are_closed_at_once(start: Start) -> None:
    rig = await start(ROUTES, limits=Limits(connections_max=2))
    first, second = await connect(rig.listening.port), await connect(rig.listening.port)
    for reader, writer in (first, second):
        writer.write(REQUEST)
        await reader.readuntil(b"hello")
    assert rig.telemetry.value("cinedge_connections", tier="edge") == 2
    reader, writer = await connect(rig.listening.port)
    assert await ended(reader) == b""
    writer.close()
    assert rig.closed("too-many-connections") == 1
    first[1].write(REQUEST)
    assert await first[0].readuntil(b"hello")
    for _, writer in (first, second):
        writer.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / BAD\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nA B: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 9000 + b"\r\n\r\n",
        b"GET /" + b"y" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ],
)
async def test_what_the_parser_refuses_is_a_problem_too(start: Start, sent: bytes) -> None:
    rig = await start(ROUTES)
    with capture_logs() as events:
        answer = await rig.raw(sent)
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 400 Bad Request"
    assert "Content-Type: application/problem+json" in lines
    assert "Connection: close" in lines
    assert "Server: cinedge" in lines
    problem = json.loads(body)
    assert problem["status"] == 400
    request_id = problem["instance"].removeprefix("urn:request:")
    assert f"X-Request-Id: {request_id}" in lines
    (record,) = await rig.records()
    assert (record["status"], record["request_id"]) == (400, request_id)
    assert record["error"] == "bad-request"
    assert rig.requests("OTHER", "unreadable", 400) == 1
    assert events == []


async def test_an_unknown_expectation_is_a_refusal(start: Start) -> None:
    rig = await start(ROUTES)
    request = b"GET /hello HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nConnection: close\r\n\r\n"
    answer = await rig.raw(request)
    assert answer.startswith(b"HTTP/1.1 417 ")


async def test_an_expectation_to_continue_is_met(start: Start) -> None:
    async def read(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    rig = await start([web.post("/read", read)])
    reader, writer = await connect(rig.listening.port)
    writer.write(
        b"POST /read HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    )
    async with asyncio.timeout(5):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"ok")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_pipelined_requests_are_answered_in_order(start: Start) -> None:
    rig = await start(ROUTES)
    closing = REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    answer = await rig.raw(REQUEST * 40 + closing)
    assert answer.count(b"HTTP/1.1 200 ") == 41
    assert rig.requests("GET", "/hello", 200) == 41


Scene = Callable[[int, Telemetry, asyncio.Event], Awaitable[None]]


async def _half_head(port: int, telemetry: Telemetry, stopped: asyncio.Event) -> None:
    reader, writer = await connect(port)
    writer.write(b"GET /hel")
    assert await ended(reader) == b""
    writer.close()
    assert reason_count(telemetry, "head-timeout") == 1


async def _stalled(port: int, telemetry: Telemetry, stopped: asyncio.Event) -> None:
    reader, writer = await connect(port)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(b"GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
    async with asyncio.timeout(5):
        await stopped.wait()
    assert reason_count(telemetry, "write-timeout") == 1
    writer.transport.abort()
    assert reader is not None


async def _cut(port: int, telemetry: Telemetry, stopped: asyncio.Event) -> None:
    reader, writer = await connect(port)
    writer.write(b"GET /cut HTTP/1.0\r\nHost: a\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        async with asyncio.timeout(5):
            await reader.read()
    writer.close()
    assert reason_count(telemetry, "cut-answer") == 1


def reason_count(telemetry: Telemetry, reason: str) -> float:
    return telemetry.value("cinedge_connections_closed_total", tier="edge", reason=reason)


@pytest.mark.parametrize("scene", [_half_head, _stalled, _cut])
def test_the_same_holds_on_the_loop_of_production(scene: Scene) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"abc")
        raise ConnectionResetError("upstream")

    async def main() -> None:
        telemetry, stopped = Telemetry("edge", "e1"), asyncio.Event()
        app = build_app(
            tier="edge",
            name="e1",
            telemetry=telemetry,
            health=Health(),
            routes=[*ROUTES, *flooding(stopped), web.get("/cut", cut)],
        )
        limits = Limits(head_timeout_seconds=0.1, write_timeout_seconds=0.1)
        async with serve(app, "127.0.0.1", 0, limits=limits, grace_seconds=0.1) as listening:
            await scene(listening.port, telemetry, stopped)

    uvloop.run(main())

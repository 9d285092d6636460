"""The line of TCP: what passes is whole and in order, and each way of breaking is what it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import pytest

from tests.faults.link import Weather
from tests.faults.proxy import HOST, TcpProxy, tcp_proxy

LIMIT_SECONDS = 15.0
SILENCE_SECONDS = 0.2
CONTENT = Random(1).randbytes(3_000_000)


@dataclass(slots=True)
class Echo:
    """A server that sends back what it gets, and knows how its connections ended."""

    ends: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    heard: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                self.heard += len(data)
                writer.write(data)
                await writer.drain()
            self.ends.put_nowait("end")
        except OSError:
            self.ends.put_nowait("reset")
        writer.close()


@asynccontextmanager
async def line() -> AsyncIterator[tuple[TcpProxy, Echo]]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, HOST, 0)
    async with server, tcp_proxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy, echo


@dataclass(slots=True)
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def echoed(self, data: bytes) -> bytes:
        """Send, and take as much back."""
        self.writer.write(data)
        async with asyncio.timeout(LIMIT_SECONDS):
            return await self.reader.readexactly(len(data))

    async def ending(self) -> str:
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                return "more" if await self.reader.read(1) else "end"
        except ConnectionResetError:
            return "reset"

    async def hears_nothing(self) -> bool:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def client_of(proxy: TcpProxy) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


async def eventually(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while not claim():  # noqa: ASYNC110 (the proxy tells nobody)
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    "weather",
    [Weather(), Weather(delay_seconds=0.05), Weather(bytes_per_second=20e6)],
    ids=["fair", "delayed", "narrow"],
)
async def test_all_bytes_pass_in_order_and_the_end_is_told(weather: Weather) -> None:
    async with line() as (proxy, echo):
        proxy.weather = weather
        async with client_of(proxy) as client:
            back = asyncio.ensure_future(client.reader.read(-1))
            client.writer.write(CONTENT)
            client.writer.write_eof()
            async with asyncio.timeout(LIMIT_SECONDS):
                assert await back == CONTENT
                assert await echo.ends.get() == "end"
        await eventually(lambda: proxy.open_connections == 0)


async def test_delay_makes_bytes_late_and_not_rare() -> None:
    async with line() as (proxy, _), client_of(proxy) as client:
        proxy.weather.delay_seconds = 0.1
        now = asyncio.get_running_loop().time
        began = now()
        assert await client.echoed(CONTENT) == CONTENT
        assert now() - began >= 0.2
        # 184 pieces, each late for itself, would be 18 seconds.


async def test_a_narrow_line_is_no_faster_than_it_is_wide() -> None:
    async with line() as (proxy, _), client_of(proxy) as client:
        proxy.weather.bytes_per_second = 1e6
        now = asyncio.get_running_loop().time
        began = now()
        await client.echoed(bytes(200_000))
        assert now() - began >= 0.2


async def test_a_stalled_line_loses_nothing_and_goes_on() -> None:
    async with line() as (proxy, echo), client_of(proxy) as client:
        assert await client.echoed(b"before") == b"before"
        proxy.weather.stalled = True
        client.writer.write(b"meanwhile")
        assert await client.hears_nothing()
        assert echo.heard == len(b"before")
        proxy.weather.stalled = False
        async with asyncio.timeout(LIMIT_SECONDS):
            assert await client.reader.readexactly(9) == b"meanwhile"


async def test_a_reset_is_told_to_both_sides() -> None:
    async with line() as (proxy, echo), client_of(proxy) as client:
        await client.echoed(b"x")
        proxy.reset()
        assert await client.ending() == "reset"
        async with asyncio.timeout(LIMIT_SECONDS):
            assert await echo.ends.get() == "reset"
        await eventually(lambda: proxy.open_connections == 0)


async def test_a_refusing_line_resets_new_connections_until_it_heals() -> None:
    async with line() as (proxy, echo):
        proxy.weather.refusing = True
        async with client_of(proxy) as client:
            assert await client.ending() in ("reset", "end")
        assert echo.heard == 0
        proxy.weather.refusing = False
        async with client_of(proxy) as client:
            assert await client.echoed(b"again") == b"again"


async def test_a_half_open_connection_answers_nothing_and_does_not_end() -> None:
    async with line() as (proxy, echo), client_of(proxy) as client:
        await client.echoed(b"x")
        proxy.half_open()
        async with asyncio.timeout(LIMIT_SECONDS):
            assert await echo.ends.get() == "reset"
        client.writer.write(b"anybody?")
        assert await client.hears_nothing()
        async with client_of(proxy) as another:
            assert await another.echoed(b"new") == b"new"
        client.writer.close()
        await eventually(lambda: proxy.open_connections == 0)


async def test_only_the_connections_meant_are_broken() -> None:
    async with line() as (proxy, _), client_of(proxy) as feed, client_of(proxy) as film:
        await feed.echoed(b"GET /v1/changes")
        await film.echoed(b"GET /films/a")
        proxy.weather = Weather(refusing=True, only=b"GET /v1/changes")
        proxy.reset()
        assert await feed.ending() == "reset"
        assert await film.echoed(b" HTTP/1.1") == b" HTTP/1.1"
        async with client_of(proxy) as again:
            again.writer.write(b"GET /v1/changes?after=1")
            assert await again.ending() == "reset"
        async with client_of(proxy) as another:
            assert await another.echoed(b"GET /films/b") == b"GET /films/b"


async def test_an_absent_server_ends_the_client() -> None:
    async with tcp_proxy(1) as proxy, client_of(proxy) as client:
        assert await client.ending() in ("reset", "end")

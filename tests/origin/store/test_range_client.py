"""Ranges received from a scripted service, on both event loops: the bytes are right, connections
are used again, and whatever goes wrong is an error that loses no connection."""

from __future__ import annotations

import asyncio
import os
import re
import select
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from functools import partial

import pytest

from origin.store.range_answers import OtherAnswerError
from origin.store.range_client import IDLE_SECONDS, SIGNED_SECONDS, RangeClient, open_range_client
from tests.helpers.clock import FakeClock
from tests.helpers.event_loops import LOOPS, Main, run_on

FILM = os.urandom(3 * 1024 * 1024 + 17)


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Callable[[Main], None]:
    """Run a coroutine function on either loop."""
    return partial(run_on, request.param, seconds=8)


class Service:
    """Answers ranges of a film; `script` changes the next answers, and who `holds` says no more."""

    def __init__(self) -> None:
        self.connections = 0
        self.asked: list[str] = []
        self.script: list[Callable[[bytes, bytes], bytes]] = []
        self.holds = False
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.asked.append(request.partition(" HTTP")[0].removeprefix("GET "))
                found = re.search(r"bytes=(\d+)-(\d+)", request)
                assert found is not None
                start, stop = int(found[1]), int(found[2]) + 1
                head = (
                    f"HTTP/1.1 206 Partial Content\r\nContent-Length: {stop - start}\r\n"
                    f"Content-Range: bytes {start}-{stop - 1}/{len(FILM)}\r\n\r\n"
                ).encode()
                change = self.script.pop(0) if self.script else lambda head, body: head + body
                data = change(head, FILM[start:stop])
                writer.write(data)
                await writer.drain()
                if self.holds:
                    await reader.read()
                if b"close" in data[:200] or len(data) < len(head) + stop - start:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def service(
    clock: Callable[[], float] | None = None, silence_seconds: float = 5.0
) -> AsyncIterator[tuple[Service, RangeClient]]:
    made = Service()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    signed = iter(range(1000))
    client = open_range_client(
        url,
        lambda name: f"{url}/films/{name}?signed={next(signed)}",
        clock or FakeClock(),
        connect_seconds=5.0,
        silence_seconds=silence_seconds,
    )
    assert client is not None
    try:
        yield made, client
    finally:
        client.close()
        for writer in made.writers:
            writer.close()
        server.close()


async def read(client: RangeClient, start: int, stop: int) -> bytes:
    return b"".join([bytes(piece) async for piece in client.read("a", start, stop)])


def test_bytes_are_those_asked_for_over_one_connection(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with service() as (made, client):
            for start, stop in ((0, len(FILM)), (5, 6), (7, 3_000_000), (0, 300_000)):
                assert await read(client, start, stop) == FILM[start:stop]
            assert made.connections == 1

    run(main)


def test_pieces_stay_as_they_are_while_others_come(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with service() as (_, client):
            pieces = [piece async for piece in client.read("a", 0, len(FILM))]
            again = [piece async for piece in client.read("a", 0, len(FILM))]
            assert b"".join(pieces) == b"".join(again) == FILM
            assert all(len(piece) <= 1024 * 1024 for piece in pieces)

    run(main)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda head, body: head.replace(b"206", b"503") + body, OtherAnswerError),
        (lambda head, body: head + body[:1000], ConnectionResetError),
        (lambda head, body: head[:20], ConnectionResetError),
        (lambda head, body: b"", ConnectionResetError),
        (lambda head, body: head + body + body, OtherAnswerError),
    ],
)
def test_what_goes_wrong_is_told_and_its_connection_is_not_used_again(
    run: Callable[[Main], None], change: Callable[[bytes, bytes], bytes], error: type[OSError]
) -> None:
    async def main() -> None:
        async with service() as (made, client):
            made.script = [change]
            with pytest.raises(error):
                await read(client, 10, 2000)
            assert await read(client, 10, 2000) == FILM[10:2000]
            assert made.connections == 2

    run(main)


def test_a_reader_that_leaves_takes_its_connection_along(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with service() as (made, client):
            async with aclosing(client.read("a", 0, len(FILM))) as pieces:
                await anext(pieces)
            assert await read(client, 0, 100) == FILM[:100]
            assert made.connections == 2

    run(main)


def test_connections_that_the_service_ends_are_not_asked(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with service() as (made, client):
            made.script = [lambda head, body: head[:-2] + b"Connection: close\r\n\r\n" + body]
            assert await read(client, 0, 100) == FILM[:100]
            assert await read(client, 0, 100) == FILM[:100]
            ((idle, _),) = client._idle
            made.writers[-1].close()
            await made.writers[-1].wait_closed()
            poll = select.poll()  # select has no descriptors above 1023
            poll.register(idle, select.POLLIN)
            await asyncio.to_thread(poll.poll, 5000)
            assert await read(client, 0, 100) == FILM[:100]
            assert made.connections == 3

    run(main)


def test_connections_that_were_idle_for_long_are_closed(run: Callable[[Main], None]) -> None:
    """A service that lost its power, or a firewall, ends them without a word."""

    async def main() -> None:
        clock = FakeClock()
        async with service(clock) as (made, client):
            for seconds, connections in ((0, 1), (IDLE_SECONDS, 1), (IDLE_SECONDS + 1, 2)):
                clock.advance(seconds)
                assert await read(client, 0, 100) == FILM[:100]
                assert made.connections == connections
            assert len(client._idle) == 1

    run(main)


def test_connections_idle_behind_those_used_are_closed(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        clock = FakeClock()
        async with service(clock) as (_, client):
            await asyncio.gather(*(read(client, 0, 100) for _ in range(3)))
            assert len(client._idle) == 3
            for _ in range(2):
                clock.advance(IDLE_SECONDS / 2 + 1)
                await read(client, 0, 100)
            assert len(client._idle) == 1

    run(main)


def test_silence_is_told(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with service(silence_seconds=0.05) as (made, client):
            made.script = [lambda head, body: head + body[:1000]]
            made.holds = True
            with pytest.raises(TimeoutError):
                await read(client, 0, 2000)

    run(main)


def test_a_signed_url_is_used_for_half_of_its_time(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        clock = FakeClock()
        async with service(clock) as (made, client):
            for seconds in (0, SIGNED_SECONDS / 2 - 1, 2, SIGNED_SECONDS / 2 - 3):
                clock.advance(seconds)
                assert await read(client, 0, 10) == FILM[:10]
            assert made.asked == [f"/films/a?signed={n}" for n in (0, 0, 1, 1)]

    run(main)


def test_nobody_there_is_an_error(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with service() as (_, client):
            await read(client, 0, 1)
        with pytest.raises(ConnectionRefusedError):
            await read(client, 0, 1)

    run(main)


@pytest.mark.parametrize(
    ("endpoint", "proxy", "is_open"),
    [
        ("http://127.0.0.1:8333", "", True),
        ("http://films.example", "", True),
        ("https://films.example", "", False),
        ("http://films.example", "http://proxy:3128", False),
    ],
)
def test_tls_and_proxies_are_left_to_the_library(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, proxy: str, is_open: bool
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    client = open_range_client(endpoint, str, FakeClock(), connect_seconds=1.0, silence_seconds=1.0)
    assert (client is not None) is is_open

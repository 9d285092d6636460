"""Each kind of harm does what it says."""

from __future__ import annotations

import asyncio

import pytest

from scripts.benchmark.players.floods import KINDS, flood

SAID = {
    "connections": b"",
    "slow-heads": b"G",
    "slow-bodies": b"POST /f HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\nx",
    "slow-readers": b"GET /f HTTP/1.1\r\nHost: h\r\n\r\n",
}


@pytest.mark.parametrize("kind", KINDS)
async def test_so_many_connections_are_held_and_say_no_more_than_they_have_to(kind: str) -> None:
    heard: list[bytes] = []
    everybody = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = await reader.readexactly(len(SAID[kind]))
        heard.append(said)
        if len(heard) == 4:
            everybody.set()
        await reader.read()
        writer.close()

    servers = [await asyncio.start_server(serve, "127.0.0.1", 0) for _ in range(2)]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    harm = asyncio.ensure_future(flood(ports, kind, 3600, 2, "/f"))
    await asyncio.wait_for(everybody.wait(), 30)
    harm.cancel()
    assert heard == [SAID[kind]] * 4
    for server in servers:
        server.close()


async def test_who_is_thrown_out_comes_again() -> None:
    came = asyncio.Event()
    count = 0

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        writer.close()
        if count == 10:
            came.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    harm = asyncio.ensure_future(flood([port], "connections", 3600, 1, "/f"))
    await asyncio.wait_for(came.wait(), 30)
    harm.cancel()
    server.close()

"""One origin behind two doors: the lane before the full server, and the full server alone."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from cdnkit.service.app import ACCESS_LOG, HEALTH, TELEMETRY
from cdnkit.service.connections import DEFAULT_LIMITS, Limits
from cdnkit.service.run import make_runner
from config.topology import Address, OriginNode, Topology
from origin.app import LIBRARY, PARTS, OriginParts, build_origin
from origin.lane.books import Books
from origin.lane.server import LaneServer
from tests.helpers.clock import FakeClock
from tests.helpers.raw_client import RawClient

EXTENT_BYTES = 64 * 1024
LAST = b"GET /v1/content/none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
_VARYING = re.compile(
    rb"(?<=\r\n)Date: [^\r\n]*|\b[0-9a-f]{32}\b|(?<=X-Request-Id: )[0-9a-f]{16}|"
    rb"(?<=urn:request:)[0-9a-f]{16}"
)


@dataclass
class Doors:
    """`short` and `full` are ports of the same origin."""

    app: web.Application
    lane: LaneServer
    log: Path
    short: int
    full: int
    clients: list[RawClient] = field(default_factory=list)

    @property
    def parts(self) -> OriginParts:
        """What the origin is made of."""
        return self.app[PARTS]

    async def connect(self, receive_buffer_bytes: int = 0) -> RawClient:
        """A client of the lane, closed at the end."""
        client = await RawClient.connect("127.0.0.1", self.short, receive_buffer_bytes)
        self.clients.append(client)
        return client

    async def put(self, key: str, data: bytes) -> None:
        """Publish an object past HTTP."""
        generation = await self.parts.catalog.reserve(key)
        writer = await self.parts.store.create(key, generation)
        await writer.write(data)
        receipt = await writer.commit()
        await self.parts.catalog.publish(receipt, "video/mp4", lambda current: None)

    async def both(self, conversation: list[bytes]) -> tuple[bytes, bytes]:
        """What comes back on a connection of each door until it ends, ids and dates masked."""
        return await talk(self.short, conversation), await talk(self.full, conversation)

    @asynccontextmanager
    async def lane_has(self, connections: int) -> AsyncIterator[None]:
        """Wait until the lane holds no more than so many."""
        async with asyncio.timeout(10):
            while len(self.lane.connections) > connections:
                self.lane._idle.clear()
                await self.lane._idle.wait()
        yield

    async def lines(self) -> list[dict[str, Any]]:
        """The access log since the last time."""
        self.lane.tick()
        await self.app[ACCESS_LOG].flush()
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        self.log.write_text("")
        return lines

    def count(self, status: int, method: str = "GET") -> float:
        """Requests for content that were answered so."""
        self.lane.tick()
        return self.app[TELEMETRY].value(
            "cinedge_requests_total",
            tier="origin",
            method=method,
            route="/v1/content/{key}",
            status=str(status),
        )


async def talk(port: int, conversation: list[bytes]) -> bytes:
    """Send packet after packet, each once something answered the one before; read to the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    with suppress(ConnectionError):
        async with asyncio.timeout(20):
            for packet in (*conversation, LAST):
                writer.write(packet)
                piece = await reader.read(1 << 20)
                answer += piece
                if not piece:
                    break
            while piece := await reader.read(1 << 20):
                answer += piece
    writer.close()
    return _VARYING.sub(b"*", answer)


@asynccontextmanager
async def doors(root: Path, limits: Limits = DEFAULT_LIMITS) -> AsyncIterator[Doors]:
    """An origin over one volume, with its log in a file."""
    log = root / "access.log"
    node = OriginNode(
        name="o",
        listen=Address("127.0.0.1", 1),
        data=str(root / "data"),
        extent_bytes=EXTENT_BYTES,
        access_log=str(log),
    )
    clock = FakeClock()
    app = await build_origin(node, Topology(), open_uploads=True, now=clock)
    runner = make_runner(app, limits, grace_seconds=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.server is not None
    lane = LaneServer(
        app[LIBRARY],
        runner.server,
        Books(app[TELEMETRY], app[ACCESS_LOG]),
        app[HEALTH],
        limits,
        clock,
    )
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    lane.listen(listener)
    opened = Doors(app, lane, log, listener.getsockname()[1], site.port)
    try:
        yield opened
    finally:
        for client in opened.clients:
            client.sock.close()
        await lane.close(1.0)
        await runner.cleanup()

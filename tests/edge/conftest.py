"""A real edge worker in the test's own process, in front of an origin that a test scripts."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from config.token_keys import TokenKey
from config.topology import (
    KIB,
    MIB,
    Address,
    CacheDisk,
    EdgeNode,
    EdgeSettings,
    OriginNode,
    Route,
    Site,
    Topology,
)
from config.tracing import Tracing
from edge.app import Worker, worker
from edge.totals import Totals, read_totals
from tests.helpers.raw_client import LIMIT_SECONDS, RawClient

BLOCK = 64 * KIB


@dataclass(slots=True)
class Asked:
    """A request as the origin got it; content is read by the script."""

    method: str
    target: str
    fields: dict[str, str]
    head: bytes
    body: bytes = b""

    @property
    def length(self) -> int:
        """The announced length of the content."""
        return int(self.fields.get("content-length", "0"))


Script: TypeAlias = Callable[[Asked, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Thing:
    """Content the origin serves with ranges and conditions."""

    content: bytes
    etag: str = ""
    lines: tuple[str, ...] = ("Cache-Control: max-age=3600", "Content-Type: video/mp4")

    def __post_init__(self) -> None:
        self.etag = self.etag or f'"{hashlib.blake2b(self.content).hexdigest()[:12]}"'


@dataclass(slots=True)
class Origin:
    """A raw HTTP/1.1 server. `things` are served well; `scripts` do whatever they like.

    A script returns with its answer written; the connection stays open unless it closed the writer.
    """

    url: str = ""
    things: dict[str, Thing] = field(default_factory=dict)
    scripts: dict[str, Script] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    def put(self, path: str, content: bytes, **more: Any) -> Thing:
        """Serve content under a path."""
        thing = self.things[path] = Thing(content, **more)
        return thing

    def targets(self) -> list[str]:
        """What was asked for, in order."""
        return [f"{asked.method} {asked.target}" for asked in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                asked = _asked(head)
                self.asked.append(asked)
                script = self.scripts.get(asked.target.partition("?")[0], self.serve_thing)
                await script(asked, reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def serve_thing(
        self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """What an origin does that does everything right."""
        thing = self.things.get(asked.target.partition("?")[0])
        if thing is None:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone")
            return
        lines = [*thing.lines, f"ETag: {thing.etag}"]
        if "if-match" in asked.fields and asked.fields["if-match"] != thing.etag:
            writer.write(plain_answer("412 Precondition Failed", b"", *lines))
            return
        if asked.fields.get("if-none-match") == thing.etag:
            writer.write(("\r\n".join(["HTTP/1.1 304 Not Modified", *lines, "", ""])).encode())
            return
        status, content, size = "200 OK", thing.content, len(thing.content)
        wanted = asked.fields.get("range", "")
        if wanted.startswith("bytes="):
            first, _, last = wanted[6:].partition("-")
            start, stop = int(first), min(int(last) + 1, size)
            if start >= size:
                writer.write(plain_answer("416 No", b"", f"Content-Range: bytes */{size}"))
                return
            status, content = "206 Partial Content", content[start:stop]
            lines.append(f"Content-Range: bytes {start}-{stop - 1}/{size}")
        body = b"" if asked.method == "HEAD" else content
        writer.write(plain_answer(status, body, *lines, length=len(content)))


def plain_answer(status: str, body: bytes, *lines: str, length: int | None = None) -> bytes:
    """An answer with a Content-Length."""
    size = len(body) if length is None else length
    text = [f"HTTP/1.1 {status}", f"Content-Length: {size}", *lines, "", ""]
    return "\r\n".join(text).encode("latin-1") + body


def says(status: str, body: bytes, *lines: str) -> Script:
    """A script that reads the request's content and answers one thing."""

    async def script(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        asked.body = await read_content(asked, reader)
        writer.write(plain_answer(status, b"" if asked.method == "HEAD" else body, *lines))

    return script


async def read_content(asked: Asked, reader: asyncio.StreamReader) -> bytes:
    """All content of a request."""
    if asked.fields.get("transfer-encoding") != "chunked":
        return await reader.readexactly(asked.length)
    pieces: list[bytes] = []
    while size := int(await reader.readline(), 16):
        pieces.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readline()
    return b"".join(pieces)


def _asked(head: bytes) -> Asked:
    line, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = line.split(" ")
    fields: dict[str, str] = {}
    for text in rest:
        name, _, value = text.partition(":")
        fields[name.lower()] = value.strip()
    return Asked(method, target, fields, head)


@dataclass(slots=True)
class Edge:
    """A running worker and ways to reach it."""

    worker: Worker
    origin: Origin
    clients: list[RawClient] = field(default_factory=list)
    seconds_passed: int = 0

    def __post_init__(self) -> None:
        server = self.worker.server
        tick = server.tick
        server.tick = lambda now: tick(now + self.seconds_passed)  # type: ignore[method-assign]

    def totals(self) -> Totals:
        """What the worker has counted."""
        made = self.worker
        return read_totals(made.accounts, made.holdings, made.fills, made.server)

    async def client(self, receive_buffer_bytes: int = 0) -> RawClient:
        """A new connection, closed when the test ends."""
        address = self.worker.address
        client = await RawClient.connect(address.host, address.port, receive_buffer_bytes)
        self.clients.append(client)
        return client

    def pass_seconds(self, seconds: int) -> None:
        """Move the coarse clock on."""
        self.seconds_passed += seconds
        self.worker.server.tick(int(asyncio.get_running_loop().time()))


@dataclass(slots=True)
class Plan:
    """What the edge of a test is like; fixtures start it, tests may start another."""

    origin: Origin
    cache: Path
    settings: EdgeSettings = field(default_factory=lambda: EdgeSettings(block_bytes=BLOCK))
    routes: tuple[Route, ...] = ()
    token_keys: tuple[TokenKey, ...] = ()
    origins: tuple[OriginNode, ...] = ()
    admin: Address | None = None
    tracing: Tracing | None = None
    listen: Address = field(default_factory=lambda: Address("127.0.0.1", 0))
    now: Callable[[], float] = time.time

    def node(self) -> EdgeNode:
        """The edge's record."""
        return EdgeNode(
            name="edge-1",
            site="here",
            listen=self.listen,
            disks=(CacheDisk(str(self.cache), 256 * MIB),),
            admin=self.admin,
            settings=self.settings,
        )

    def topology(self) -> Topology:
        """The topology round it."""
        node = self.node()
        return Topology(
            sites=(Site("here", 0.0, 0.0),),
            edges=(node,),
            origins=self.origins,
            routes=self.routes or (Route(prefix="/", upstream=(self.origin.url,)),),
            token_keys=self.token_keys,
            tracing=self.tracing,
        )

    def but(self, **changes: Any) -> Plan:
        """This plan with other settings of the edge."""
        return replace(self, settings=replace(self.settings, **changes))

    @contextlib.asynccontextmanager
    async def start(self) -> AsyncIterator[Edge]:
        """Serve inside the block."""
        async with worker(self.node(), self.topology(), now=self.now) as running:
            edge = Edge(running, self.origin)
            await running.holdings.loading.finished()
            try:
                yield edge
            finally:
                for client in edge.clients:
                    client.close()


@contextlib.asynccontextmanager
async def started_origin() -> AsyncIterator[Origin]:
    """An origin without content, for the length of the block."""
    made = Origin()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await made.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20)
    host, port = server.sockets[0].getsockname()[:2]
    made.url = f"http://{host}:{port}"
    try:
        yield made
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    """An origin without content."""
    async with started_origin() as made:
        yield made


@pytest.fixture
def plan(origin: Origin, tmp_path: Path) -> Plan:
    """A pull-through edge with blocks of 64 KiB."""
    return Plan(origin, tmp_path / "cache")


@pytest.fixture
async def edge(plan: Plan) -> AsyncIterator[Edge]:
    """The edge of `plan`, running."""
    async with plan.start() as running:
        yield running


async def on_disk(edge: Edge, blocks: int = 1) -> None:
    """So many blocks are held: the fast lane may be taught what they are of."""
    await eventually(lambda: edge.worker.holdings.held_blocks >= blocks, "it is on disk")


async def eventually(claim: Callable[[], bool], what: str) -> None:
    """Wait until `claim` holds. Fails with `what` when it never does."""
    loop = asyncio.get_running_loop()
    until = loop.time() + LIMIT_SECONDS
    while not claim():
        assert loop.time() < until, f"never so: {what}"
        await asyncio.sleep(0.001)

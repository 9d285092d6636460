"""A served application with a log in memory: the rig of this folder's tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from cdnkit.service.app import build_app
from cdnkit.service.connections import DEFAULT_LIMITS, Limits
from cdnkit.service.health import Health
from cdnkit.service.logs import AccessLog
from cdnkit.service.metrics import Telemetry
from cdnkit.service.middleware import Authorize
from cdnkit.service.run import Listening, serve

NOW = 1_893_553_445.678


@dataclass
class MemorySink:
    """Keeps each write; fails while `broken`."""

    writes: list[bytes] = field(default_factory=list)
    broken: bool = False
    closed: bool = False
    reopened: int = 0

    def write(self, data: bytes) -> None:
        if self.broken:
            raise OSError(28, "No space left on device")
        self.writes.append(data)

    def reopen(self) -> None:
        self.reopened += 1

    def close(self) -> None:
        self.closed = True

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in b"".join(self.writes).splitlines()]


@dataclass
class Rig:
    """One served application and what it tells about itself."""

    listening: Listening
    app: web.Application
    telemetry: Telemetry
    health: Health
    log: AccessLog
    sink: MemorySink
    client: aiohttp.ClientSession
    stack: AsyncExitStack

    def url(self, path: str) -> str:
        return self.listening.url + path

    async def records(self, wanted: int = 1) -> list[dict[str, Any]]:
        """The access log, once it has `wanted` records (a record follows its answer)."""
        async with asyncio.timeout(5):
            while True:
                await self.log.flush()
                lines = self.sink.lines()
                if len(lines) >= wanted:
                    return lines
                await asyncio.sleep(0)

    async def raw(self, sent: bytes) -> bytes:
        """All bytes that answer `sent` until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.listening.port)
        writer.write(sent)
        try:
            async with asyncio.timeout(5):
                return await reader.read()
        finally:
            writer.close()

    def requests(self, method: str, route: str, status: int) -> float:
        labels = {"tier": "edge", "method": method, "route": route, "status": str(status)}
        return self.telemetry.value("cinedge_requests_total", **labels)

    def errors(self, code: str) -> float:
        return self.telemetry.value("cinedge_errors_total", tier="edge", code=code)

    def closed(self, reason: str) -> float:
        return self.telemetry.value("cinedge_connections_closed_total", tier="edge", reason=reason)


Start = Callable[..., Any]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Serve routes as every tier does; torn down after the test."""
    stack = AsyncExitStack()

    async def go(
        routes: Iterable[web.AbstractRouteDef] = (),
        *,
        limits: Limits = DEFAULT_LIMITS,
        authorize: Authorize | None = None,
        logged: bool = True,
        grace_seconds: float = 5.0,
        **more: Any,
    ) -> Rig:
        telemetry, health, sink = Telemetry("edge", "e1"), Health(), MemorySink()
        log = AccessLog(sink if logged else None, clock=lambda: NOW)
        app = build_app(
            tier="edge",
            name="e1",
            telemetry=telemetry,
            health=health,
            routes=routes,
            authorize=authorize,
            access_log=log,
            **more,
        )
        mine = AsyncExitStack()
        await stack.enter_async_context(mine)
        listening = await mine.enter_async_context(
            serve(app, "127.0.0.1", 0, limits=limits, grace_seconds=grace_seconds)
        )
        client = await stack.enter_async_context(aiohttp.ClientSession())
        health.started()
        return Rig(listening, app, telemetry, health, log, sink, client, mine)

    async with stack:
        yield go

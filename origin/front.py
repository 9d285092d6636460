"""The origin's port: connections begin in the lane (`origin.lane`), behind it is the full server.

Decides the order in which both end. A store without local files has no use for the lane, and the
full server then has the port alone.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import structlog
from aiohttp import web

from cdnkit.service.app import ACCESS_LOG, HEALTH, TELEMETRY
from cdnkit.service.connections import DEFAULT_LIMITS, Limits
from cdnkit.service.lasting import end_tasks, start_lasting
from cdnkit.service.run import GRACE_SECONDS, Listening, make_runner
from cdnkit.service.traced import TRACER
from cdnkit.trace_context import TRACEPARENT
from origin.lane.books import Books
from origin.lane.connection import Library
from origin.lane.server import TICK_SECONDS, LaneServer

_BACKLOG: Final = 4096

_log = structlog.get_logger()


@asynccontextmanager
async def serve_content(
    app: web.Application,
    library: Library,
    host: str,
    port: int,
    *,
    now: Callable[[], float],
    limits: Limits = DEFAULT_LIMITS,
    grace_seconds: float = GRACE_SECONDS,
) -> AsyncIterator[Listening]:
    """Serve inside the block; at its end drain and close. Port 0 takes a free one.

    Raises OSError when the address cannot be bound.
    """
    runner = make_runner(app, limits, grace_seconds=grace_seconds)
    await runner.setup()
    full, health = runner.server, app[HEALTH]
    assert full is not None
    lane = LaneServer(library, full, Books(app[TELEMETRY], app[ACCESS_LOG]), health, limits, now)
    if TRACER in app:
        # Edges say so of requests that are recorded, which is the full server's work.
        lane.heads.leaves = frozenset({TRACEPARENT})
    keeping = start_lasting("lane", partial(_keep, lane), pause_seconds_max=TICK_SECONDS)
    try:
        listeners = await _bind(host, port)
        for listener in listeners:
            lane.listen(listener)
        bound = listeners[0].getsockname()[1]
        _log.info("listening", host=host, port=bound)
        yield Listening(host, bound)
    finally:
        health.drain()
        await asyncio.gather(lane.close(grace_seconds), runner.cleanup())
        await end_tasks(keeping)


async def _keep(lane: LaneServer) -> None:
    while True:
        await asyncio.sleep(TICK_SECONDS)
        lane.tick()


async def _bind(host: str, port: int) -> list[socket.socket]:
    """A listening socket for each address of `host`; all of them have the first one's port."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    listeners: list[socket.socket] = []
    try:
        for family, kind, number, _, address in dict.fromkeys(found):
            listener = socket.socket(family, kind, number)
            listeners.append(listener)
            listener.setblocking(False)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            at = port or (listeners[0].getsockname()[1] if len(listeners) > 1 else 0)
            listener.bind((address[0], at, *address[2:]))
            listener.listen(_BACKLOG)
    except OSError:
        for listener in listeners:
            listener.close()
        raise
    return listeners

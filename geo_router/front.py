"""The router's port: connections begin in the lane (`lane`), the full server stands behind it."""

from __future__ import annotations

import asyncio
import ssl
import time
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
from cdnkit.wire import CDN_NAME
from geo_router.declared import ANSWER_FIELDS
from geo_router.handlers import OBJECT_ROUTE, Desk
from geo_router.lane import LaneConnection, LaneShared, Record
from geo_router.lanelog import RedirectLog

TICK_SECONDS: Final = 0.5
_BACKLOG: Final = 4096

_log = structlog.get_logger("geo_router")


@asynccontextmanager
async def serve_redirects(
    app: web.Application,
    desk: Desk,
    host: str,
    port: int,
    *,
    reuse_port: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    grace_seconds: float = GRACE_SECONDS,
    context: ssl.SSLContext | None = None,
    record: Record | None = None,
) -> AsyncIterator[Listening]:
    """Serve inside the block; at its end drain and close. Port 0 takes a free one.

    With a `context` in TLS. `record` is told of what the lane answers.

    Raises OSError when the address cannot be bound.
    """
    loop = asyncio.get_running_loop()
    runner = make_runner(app, limits, grace_seconds=grace_seconds)
    await runner.setup()
    full = runner.server
    assert full is not None
    health, telemetry = app[HEALTH], app[TELEMETRY]
    shared = LaneShared(
        desk.realm,
        desk.now,
        health,
        full,
        dict(ANSWER_FIELDS),
        CDN_NAME,
        RedirectLog(app[ACCESS_LOG], telemetry.tier, telemetry.node, time.time),
    )
    shared.record = record
    shared.tick()
    desk.reign.heirs.append(shared.adopt)
    server = await loop.create_server(
        lambda: LaneConnection(shared),
        host or None,
        port,
        backlog=_BACKLOG,
        reuse_port=reuse_port or None,
        ssl=context,
    )
    bound = server.sockets[0].getsockname()[1]
    keeping = partial(_keep, shared, desk, app, limits, loop.time)
    keep = start_lasting("lane", keeping, pause_seconds_max=TICK_SECONDS)
    _log.info("listening", host=host, port=bound)
    try:
        yield Listening(host, bound, context is not None)
    finally:
        health.drain()
        desk.reign.heirs.remove(shared.adopt)
        server.close()
        await end_tasks(keep)
        settle(shared, desk, app)
        for connection in tuple(shared.connections):
            connection.close()
        await runner.cleanup()
        await server.wait_closed()


async def _keep(
    shared: LaneShared,
    desk: Desk,
    app: web.Application,
    limits: Limits,
    clock: Callable[[], float],
) -> None:
    known: set[LaneConnection] = set()
    while True:
        await asyncio.sleep(TICK_SECONDS)
        shared.tick()
        settle(shared, desk, app)
        cut_idle(shared, limits, clock(), known, app)


def settle(shared: LaneShared, desk: Desk, app: web.Application) -> None:
    """Add what the lane counted to the figures everybody sees."""
    shared.log.flush()
    tally, telemetry = shared.take_tally(), app[TELEMETRY]
    for (site, rung, source, square), times in tally.items():
        desk.counting.count_told(site, rung, source, square, times)
    if total := tally.total():
        # Under a millisecond each, or they would not have stayed in the lane.
        telemetry.observe_request("GET", OBJECT_ROUTE, 302, 0.0, 0, times=total)


def cut_idle(
    shared: LaneShared,
    limits: Limits,
    now: float,
    known: set[LaneConnection],
    app: web.Application,
) -> None:
    """Close connections that ask for nothing, and the newest of too many.

    A connection that was answered since the last look has `seen_at` 0; it is stamped here, so that
    answering costs no clock. `known` are those answered at least once.
    """
    telemetry = app[TELEMETRY]
    known &= shared.connections
    for connection in tuple(shared.connections):
        if connection.seen_at == 0.0:
            connection.seen_at = now
            known.add(connection)
            continue
        answered = connection in known
        most = limits.keepalive_timeout_seconds if answered else limits.head_timeout_seconds
        if now - connection.seen_at > most:
            if not answered:
                telemetry.count_closed("head-timeout")
            connection.close()
    excess = len(shared.connections) - limits.connections_max
    for connection in sorted(shared.connections, key=lambda each: -each.seen_at)[: max(excess, 0)]:
        telemetry.count_closed("too-many-connections")
        connection.close()

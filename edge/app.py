"""Composition root of an edge: builds a worker's parts, runs them, and ends them in reverse.

One process per worker; the workers of a box share the listening address (SO_REUSEPORT) and the
cache directories, nothing else but the board of their totals.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from cdnkit.errors import CinedgeError
from cdnkit.freshness import CDN
from cdnkit.service.app import build_app
from cdnkit.service.health import Health
from cdnkit.service.logs import AccessLog, configure_logging, open_log
from cdnkit.service.metrics import Telemetry
from cdnkit.service.run import Stop, run, serve
from cdnkit.wire import CONTENT_PREFIX
from config.topology import Address, EdgeNode, Topology
from edge.access import Access
from edge.account import Accounts
from edge.answer import Answers
from edge.bodies import Bodies
from edge.cache.disk import Disk
from edge.cache.holdings import Holdings
from edge.combine import check_part
from edge.entry import Entry
from edge.entry_answer import EntryAnswers
from edge.exchange import Exchange
from edge.fastlane import TARGETS_MAX, FastLane
from edge.feed import Feed
from edge.fetch import Fetcher
from edge.fill import Fills
from edge.http1.response import ResponseHead
from edge.invalidation import stale_targets
from edge.lookup import Lookup
from edge.origin import Origin
from edge.passthrough import Passthrough
from edge.readahead import first_part
from edge.refusal import Refusals
from edge.routing import PathRule, Routing
from edge.scoreboard import Scoreboard, Tally
from edge.serve import Parts, Service
from edge.server import Limits, Server
from edge.stored import Stored
from edge.storing import Storing
from edge.teacher import Teacher
from edge.telemetry import EdgeCollector
from edge.tls import Certificates
from edge.totals import Totals, read_totals
from edge.upstream.pool import PoolLimits
from edge.upstream.upstreams import Lent, Upstreams
from edge.workers import supervise

GRACE_SECONDS: Final = 10.0
_BACKLOG: Final = 4096
_log = structlog.get_logger("edge")


@dataclass(slots=True)
class Worker:
    """A running worker, for tests and for the process's main."""

    server: Server
    holdings: Holdings
    fills: Fills
    accounts: Accounts
    lane: FastLane
    address: Address
    admin_url: str | None


@dataclass(frozen=True, slots=True)
class _Made:
    holdings: Holdings
    origin: Origin
    fills: Fills
    fetcher: Fetcher
    log: AccessLog
    accounts: Accounts
    lane: FastLane
    health: Health
    server: Server
    feeds: list[Feed]
    certificates: Certificates | None

    def totals(self) -> Totals:
        """What this worker has counted until now."""
        self.accounts.absorb(self.lane)
        return read_totals(self.accounts, self.holdings, self.fills, self.server)


def run_edge(node: EdgeNode, topology: Topology) -> int:
    """Run the edge until it is told to stop; the process's exit status."""
    _raise_descriptor_limit()
    configure_logging("edge", node.name)
    board = Scoreboard(node.workers)
    if node.workers == 1:
        return _run_worker(node, topology, 0, board)
    try:
        # Workers share the port with whoever else would share it: see first that nobody has it.
        _bind(replace(node, workers=1)).close()
    except OSError as error:
        _log.error("cannot go on", detail=str(error))
        return 1
    return supervise(
        node,
        lambda share, number: _run_worker(share, topology, number, board),
        board.has_published,
    )


@contextlib.asynccontextmanager
async def worker(
    node: EdgeNode,
    topology: Topology,
    number: int = 0,
    now: Callable[[], float] = time.time,
    lane_targets_max: int = TARGETS_MAX,
    board: Scoreboard | None = None,
) -> AsyncIterator[Worker]:
    """Serve inside the block; at its end drain, close and mark the disks clean.

    `lane_targets_max` bounds the fast lane's memory; with 0 everything takes the full path. On
    `board` the workers of an edge leave their totals for the one that answers scrapes.
    """
    listener = _bind(node)
    made = _make(node, topology, now, lane_targets_max)
    holdings, server = made.holdings, made.server
    tally = Tally(made.totals, board or Scoreboard(number + 1), number)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(listener.close)
        await stack.enter_async_context(made.log)
        await holdings.load()
        stack.push_async_callback(holdings.close)
        stack.push_async_callback(_close_all, made.fetcher, made.fills, made.origin)
        await _follow(stack, made.feeds)
        admin_url = await _serve_admin(stack, node, number, made.health, tally)
        server.listen(listener)
        ticking = asyncio.ensure_future(_tick(made, tally))
        # The clock outlives the connections: answers in flight still have limits and are counted.
        stack.push_async_callback(_cancel, ticking)
        stack.push_async_callback(server.close, GRACE_SECONDS)
        made.health.started()
        host, port = listener.getsockname()[:2]
        _log.info("serving", host=host, port=port, held_blocks=holdings.held_blocks)
        _calm_collector()
        try:
            address = Address(host, port)
            yield Worker(server, holdings, made.fills, made.accounts, made.lane, address, admin_url)
        finally:
            made.health.drain()


def _make(
    node: EdgeNode, topology: Topology, now: Callable[[], float], lane_targets_max: int
) -> _Made:
    """The parts of a worker, wired and at rest."""
    settings = node.settings
    loop = asyncio.get_running_loop()
    holdings = Holdings(_disks(node), loop)
    routing, origin = _routes(node, topology, now)
    fills = Fills(holdings, partial(_ask_part, origin), holdings.replaced)
    fetcher = Fetcher(
        holdings,
        fills,
        origin,
        Storing(holdings, CDN, settings.block_bytes),
        partial(first_part, block_bytes=settings.block_bytes, ahead=settings.read_ahead_blocks),
    )
    log = open_log(settings.access_log, clock=now)
    accounts = Accounts(log, node.name)
    answers = Answers(node.name, now)
    from_entries = EntryAnswers(node.name, Bodies(fills, settings.read_ahead_blocks), now)
    lane = FastLane(
        from_entries.lane_heads,
        secrets.token_hex(6).encode(),
        logging=log.enabled,
        targets_max=lane_targets_max,
    )
    passthrough = Passthrough(origin, answers, partial(_invalidate, holdings), now)
    lookup = Lookup(holdings, CDN, now)
    health = Health()
    certificates = None
    if node.tls is not None:
        certificates = Certificates(Path(node.tls.certificate), Path(node.tls.key))
    service = Service(
        Parts(
            routing=routing,
            access=Access({key.id: key.secret.encode() for key in topology.token_keys}),
            stored=Stored(lookup, fetcher, from_entries, passthrough, Teacher(lane, now)),
            passthrough=passthrough,
            answers=answers,
            accounts=accounts,
            is_ready=lambda: _why_not_ready(health),
            answers_health=bool(topology.origins) or node.admin is None,
            new_request_id=_request_ids(),
            now=now,
        )
    )
    server = Server(
        loop,
        service.serve,
        Refusals(accounts, now).answer,
        _limits(node),
        lane,
        lambda: accounts.absorb(lane),
        now,
        certificates,
    )
    feeds = _feeds(node, topology, holdings)
    return _Made(
        *(holdings, origin, fills, fetcher, log, accounts, lane, health, server, feeds),
        certificates,
    )


async def _ask_part(origin: Origin, entry: Entry, start: int, stop: int) -> Lent:
    """Bytes [start, stop) of the version an entry holds. Raises UpstreamError."""
    lent = await origin.ask_part(entry, start, stop)
    try:
        check_part(entry, lent.head, start, stop)
    except CinedgeError:
        lent.drop()
        raise
    return lent


def _invalidate(holdings: Holdings, target: bytes, answer: ResponseHead, host: bytes) -> None:
    """An unsafe method succeeded: forget what it made out of date."""
    for stale in stale_targets(target, answer, host):
        holdings.invalidate(stale)


def _run_worker(node: EdgeNode, topology: Topology, number: int, board: Scoreboard) -> int:
    async def main() -> None:
        with Stop() as stop:
            async with worker(node, topology, number, board=board):
                await stop.wait()

    return run(main)


def _bind(node: EdgeNode) -> socket.socket:
    family = socket.AF_INET6 if ":" in node.listen.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if node.workers > 1:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if node.settings.congestion_control:
        listener.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_CONGESTION, node.settings.congestion_control.encode()
        )
    listener.bind((node.listen.host, node.listen.port))
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener


def _disks(node: EdgeNode) -> list[Disk]:
    return [Disk(Path(disk.path), disk.size_bytes) for disk in node.disks]


def _limits(node: EdgeNode) -> Limits:
    settings = node.settings
    return Limits(
        head_timeout_seconds=settings.head_timeout_seconds,
        idle_timeout_seconds=settings.idle_timeout_seconds,
        write_timeout_seconds=settings.write_timeout_seconds,
        connections_max=settings.connections_max,
    )


def _routes(node: EdgeNode, topology: Topology, now: Callable[[], float]) -> tuple[Routing, Origin]:
    settings = node.settings
    limits = PoolLimits(
        connections_max=settings.upstream_connections_max,
        connect_timeout_seconds=settings.connect_timeout_seconds,
        read_timeout_seconds=settings.read_timeout_seconds,
        wait_timeout_seconds=settings.read_timeout_seconds,
    )
    own = [origin.url.rstrip("/") + CONTENT_PREFIX for origin in topology.origins]
    rules = [
        PathRule(route.prefix.encode(), route.token, number)
        for number, route in enumerate(topology.routes)
    ]
    upstreams = [Upstreams(route.upstream or own, limits, now) for route in topology.routes]
    routing = Routing(rules)
    ids = _request_ids()
    return routing, Origin(routing, upstreams, node.name, lambda: ids(None))


def _feeds(node: EdgeNode, topology: Topology, holdings: Holdings) -> list[Feed]:
    prefixes = [route.prefix for route in topology.routes if not route.upstream]

    def targets_of(key: str) -> list[bytes]:
        return [f"{prefix}{key}".encode() for prefix in prefixes]

    if not prefixes:
        return []
    directory = Path(node.disks[0].path)
    directory.mkdir(parents=True, exist_ok=True)
    return [
        Feed(origin.url, holdings, targets_of, directory / f"feed-{origin.name}.json")
        for origin in topology.origins
    ]


async def _follow(stack: contextlib.AsyncExitStack, feeds: list[Feed]) -> None:
    for feed in feeds:
        stack.push_async_callback(_cancel, asyncio.ensure_future(feed.follow()))
    for feed in feeds:
        await feed.reached.wait()


async def _serve_admin(
    stack: contextlib.AsyncExitStack,
    node: EdgeNode,
    number: int,
    health: Health,
    tally: Tally,
) -> str | None:
    if node.admin is None or number:
        return None
    telemetry = Telemetry("edge", node.name)
    telemetry.registry.register(EdgeCollector(tally.of_all))
    app = build_app(tier="edge", name=node.name, telemetry=telemetry, health=health)
    listening = await stack.enter_async_context(serve(app, node.admin.host, node.admin.port))
    return listening.url


def _request_ids() -> Callable[[Exchange | None], bytes]:
    """Ids: the client's own when it is sane, else a prefix of this process and a count."""
    prefix = secrets.token_hex(6)
    count = 0

    def make(exchange: Exchange | None) -> bytes:
        nonlocal count
        if exchange is not None:
            given = exchange.request.fields.first(b"x-request-id")
            if given is not None and len(given) <= 64 and given.replace(b"-", b"").isalnum():
                return given
        count += 1
        return f"{prefix}-{count:x}".encode()

    return make


def _why_not_ready(health: Health) -> str | None:
    ready, report = health.report()
    return None if ready else str(report["status"])


async def _tick(made: _Made, tally: Tally) -> None:
    """Once a second: time limits, and what the fast lane left for later."""
    loop = asyncio.get_running_loop()
    try:
        while True:
            made.server.tick(int(loop.time()))
            made.holdings.touch_recent(made.lane.stirred)
            tally.publish()
            if made.certificates is not None:
                made.certificates.refresh()
            await asyncio.sleep(1.0)
    finally:
        tally.publish()


async def _close_all(fetcher: Fetcher, fills: Fills, origin: Origin) -> None:
    await fetcher.close()
    await fills.close()
    origin.close()


def _calm_collector() -> None:
    """Requests make next to no cycles: what lives now stays, and the rest is looked at rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


async def _cancel(task: asyncio.Future[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _raise_descriptor_limit() -> None:
    """A film in many blocks and many viewers: take all descriptors the system allows us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

"""Composition root of an edge: builds a worker's parts, runs them, and ends them in reverse.

One process per worker; the workers of a box share the listening address (SO_REUSEPORT), the board
of their totals and one cache (`edge.box`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog

from cdnkit.errors import CinedgeError
from cdnkit.playing import Playing
from cdnkit.service.auth import BearerAuth
from cdnkit.service.certificates import Certificates as AdminCertificates
from cdnkit.service.health import Health
from cdnkit.service.lasting import end_tasks, start_lasting
from cdnkit.service.logs import AccessLog, configure_logging, open_log
from cdnkit.service.run import Stop, run, serve
from config.node_file import NodeFile
from config.topology import Address, EdgeNode, EdgeSettings, Topology
from edge import LANE
from edge.account import Accounts
from edge.admin import Admin, build_admin
from edge.answer import Answers
from edge.bodies import Bodies
from edge.bookkeeping import Bookkeeping, lot_names
from edge.box.abreast import heed_turns
from edge.box.box import Box
from edge.box.changes import Changes
from edge.box.join import Joined, join
from edge.box.settle import settle
from edge.box.sockets import Sockets
from edge.cache.holdings import Holdings
from edge.cache.loading import Loading
from edge.cache.remembering import Remembering
from edge.cache.shelves import ALL_SHELVES, shelves_of
from edge.combine import check_part
from edge.drain import DrainMark
from edge.effects import Effects
from edge.entry import Entry
from edge.entry_answer import EntryAnswers
from edge.fastlane import FastLane
from edge.fetch import Fetcher
from edge.fill import Fills
from edge.followed_file import FollowedFile
from edge.following import Following, Journals, make_following
from edge.gathering import Gatherings
from edge.hearing import Hearing
from edge.herd import Herds
from edge.hinting import Hinting
from edge.ledger import Ledger
from edge.listening import bind, raise_descriptor_limit
from edge.load import LoadMeter
from edge.lookup import Lookup
from edge.making import calm_collector, make_cmsd, make_disks, make_lane
from edge.origin import Origin
from edge.passthrough import Passthrough
from edge.purpose import heed_purpose, purpose_pairs
from edge.readahead import first_part
from edge.readiness import readiness
from edge.refusal import Refusals
from edge.request_ids import request_ids
from edge.routes import limits_of
from edge.rulebook import Rules, grants_of, rules_of
from edge.rules import index_maker
from edge.scoreboard import Scoreboard, Tally
from edge.scrubbing import Scrubbing
from edge.serve import Parts, Service
from edge.server import Server
from edge.stored import Stored
from edge.storing import Storing
from edge.takeover import Heirs, Takeover
from edge.targets import TARGETS_MAX
from edge.teacher import Teacher
from edge.tls import Certificates, certificates_of
from edge.totals import Totals, read_totals
from edge.tracing import Traces, handing_on, open_traces
from edge.uncacheable import Uncacheable
from edge.upstream.lent import Lent
from edge.warming import Warming
from edge.workers import supervise, until_started_or_stopped, until_stopped

GRACE_SECONDS: Final = 10.0
TICK_SECONDS: Final = 1.0
_UNUSED_FILE_SECONDS: Final = 120.0
"""A file unused for so long is closed: its bytes may have left the page cache, and whoever opens it
sees to that."""
_log = structlog.get_logger("edge")


@dataclass(slots=True)
class Worker:
    """A running worker, for tests and for the process's main."""

    server: Server
    holdings: Holdings
    fills: Fills
    fetcher: Fetcher
    accounts: Accounts
    lane: FastLane
    address: Address
    admin_url: str | None
    hang_up: Callable[[], None]
    """Open the access log anew and load the certificates: what SIGHUP asks for."""
    changes: Changes
    box: Box | None
    health: Health
    adopt: Callable[[EdgeNode, Topology], Coroutine[Any, Any, None]]
    """Go on with another topology."""
    players: Callable[[], Counter[tuple[str, str]]]
    """What its players have told, by title and measure."""


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
    journals: Journals
    certificates: Certificates | None
    meter: LoadMeter
    joined: Joined
    takeover: Takeover
    auth: BearerAuth
    traces: Traces | None
    books: Bookkeeping
    hearing: Hearing

    def hang_up(self) -> None:
        """Let go of files that may have been replaced."""
        self.log.reopen()
        if self.certificates is not None:
            self.certificates.reload()

    def totals(self) -> Totals:
        """What this worker has counted until now."""
        self.accounts.absorb(self.lane)
        self.hearing.absorb(self.lane)
        totals = read_totals(self.accounts, self.holdings, self.fills, self.server)
        totals.players.update(self.hearing.counted())
        if self.traces is not None:
            totals.counts.update(self.traces.counts())
        return totals


def run_edge(node: EdgeNode, topology: Topology, file: NodeFile | None = None) -> int:
    """Run the edge until it is told to stop; the process's exit status.

    `file` is where the topology came from: read again when it changes, and at SIGHUP.
    """
    raise_descriptor_limit()
    configure_logging("edge", node.name)
    board, mark = Scoreboard(node.workers, time.time()), DrainMark(Path(node.disks[0].path))
    try:
        for disk in node.disks:
            settle(Path(disk.path), node.workers)
    except OSError as error:
        _log.error("cannot go on", detail=str(error))
        return 1
    if node.workers == 1:
        return _run_worker(node, topology, 0, board, mark, file)
    try:
        # Workers share the port with whoever else would share it: see first that nobody has it.
        bind(replace(node, workers=1)).close()
    except OSError as error:
        _log.error("cannot go on", detail=str(error))
        return 1
    with contextlib.closing(Sockets(node.workers)) as sockets:
        return supervise(
            node,
            lambda share, number: _run_worker(share, topology, number, board, mark, file, sockets),
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
    mark: DrainMark | None = None,
    sockets: Sockets | None = None,
) -> AsyncIterator[Worker]:
    """Serve inside the block; at its end drain, close and mark the disks clean.

    `lane_targets_max` bounds the fast lane's memory; with 0 everything takes the full path. On
    `board` the workers of an edge leave their totals for the one that answers scrapes; `mark` is
    set for all of them while the operator wants no new viewers here. By `sockets` the workers of
    an edge share one cache.
    """
    listener = bind(node)
    mark = mark or DrainMark(Path(node.disks[0].path))
    made = _make(node, topology, number, now, lane_targets_max, mark, sockets)
    holdings, server, box = made.holdings, made.server, made.joined.box
    tally = Tally(made.totals, board or Scoreboard(number + 1, now()), number)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(listener.close)
        await stack.enter_async_context(made.log)
        if made.traces is not None:
            stack.enter_context(made.traces)
        await holdings.open()
        stack.push_async_callback(holdings.close)
        await _remember(stack, Remembering(holdings.keeping, now))
        # What the disks hold is found while the journals are read and viewers served.
        holdings.loading.start()
        stack.push_async_callback(made.books.close)
        stack.callback(made.origin.close)
        stack.push_async_callback(made.fills.close)
        stack.push_async_callback(made.fetcher.close)
        if box is not None and sockets is not None:
            heed_turns(made.lane, box.neighbours.abreast)
            await box.neighbours.start()
            stack.push_async_callback(box.close)
            server.listen(sockets.of(number)[1])
        await _follow(stack, made.journals, holdings.loading)
        scrubbing = Scrubbing(holdings, node.settings.scrub_bytes_per_second)
        stack.push_async_callback(end_tasks, start_lasting("scrubbing", scrubbing.run))
        admin_url = await _serve_admin(stack, node, number, made, tally, mark)
        server.listen(listener)
        ticking = start_lasting("tick", partial(_tick, made, tally), pause_seconds_max=TICK_SECONDS)
        stack.push_async_callback(end_tasks, start_lasting("bookkeeping", made.books.run))
        # The clock outlives the connections: answers in flight still have limits and are counted.
        stack.push_async_callback(end_tasks, ticking)
        stack.push_async_callback(server.close, GRACE_SECONDS)
        made.health.started()
        host, port = listener.getsockname()[:2]
        _log.info("serving", host=host, port=port, drained=mark.is_set, lane=LANE)
        calm_collector(holdings.loading)
        try:
            address = Address(host, port)
            yield Worker(
                *(server, holdings, made.fills, made.fetcher, made.accounts, made.lane),
                *(address, admin_url, made.hang_up, made.joined.changes, box, made.health),
                *(made.takeover.adopt, lambda: made.totals().players),
            )
        finally:
            made.health.drain()


def _make(
    node: EdgeNode,
    topology: Topology,
    number: int,
    now: Callable[[], float],
    lane_targets_max: int,
    mark: DrainMark,
    sockets: Sockets | None,
) -> _Made:
    """The parts of a worker, wired and at rest."""
    settings, loop = node.settings, asyncio.get_running_loop()
    shelves = ALL_SHELVES if sockets is None else shelves_of(number, sockets.workers)
    holdings = Holdings(make_disks(node, shelves), loop, index_maker(node), now)
    joined = join(number, sockets, holdings, limits_of(settings), now)
    box = joined.box
    ids, rules = request_ids(), rules_of(node, topology, now)
    ledger, told = Ledger(now()), (lambda: ids(None), box, handing_on(topology.tracing))
    origin = Origin(rules.ways, node.name, *told, ledger.billed, purpose_pairs)
    fills = Fills(holdings, partial(_ask_part, origin), holdings.replaced, ledger.filled)
    storing = _storing(holdings, origin, settings.block_bytes)
    fetcher = _fetcher(node, holdings, fills, origin, storing, box, now)
    log, cmsd = open_log(settings.access_log, clock=now), make_cmsd(node)
    certificates, promise = certificates_of(node.tls)
    accounts, answers = Accounts(log, node.name, ledger), Answers(node.name, now, promise)
    bodies, lend = Bodies(fills, settings.read_ahead_blocks), None if box is None else box.lend
    from_entries = EntryAnswers(node.name, bodies, now, lend, promise, cmsd.line if cmsd else None)
    herds = Herds(fills, bodies, from_entries, accounts.settle, ids)
    lane = make_lane(node, rules, from_entries, log, lane_targets_max, cmsd)
    absorb, holdings.trust.on_doubt = partial(accounts.absorb, lane), lane.targets.clear
    books = Bookkeeping(ledger, absorb, rules.reporting, now, lot_names())
    teacher, warming = Teacher(lane, rules.ways.routing, now), Warming(holdings, fetcher, fills)
    traces = open_traces(topology.tracing, node.name, lane)
    hinting = Hinting(rules.ways.routing, warming, now)
    hearing = Hearing(Playing(), hinting.take, now)
    effects = Effects(holdings, fills, storing, joined.changes)
    passthrough = Passthrough(origin, answers, effects, now)
    health, meter = Health(), LoadMeter(rules.capacity)
    service = Service(
        Parts(
            stored=Stored(
                *(Lookup(holdings, now), fetcher, from_entries, passthrough),
                *(teacher, Gatherings(holdings.epochs, herds.answer)),
            ),
            passthrough=passthrough,
            answers=answers,
            accounts=accounts,
            readiness=partial(readiness, health, mark, meter, holdings.loading),
            new_request_id=ids,
            **hearing.parts(),
            now=now,
            greet=joined.greet,
            **({} if traces is None else traces.parts()),
            heed=lambda exchange: heed_purpose(exchange.request.fields),
            **rules.parts(),
        )
    )
    server = Server(
        *(loop, service.serve, Refusals(accounts, now, promise).answer, rules.limits, lane),
        *(absorb, now, certificates),
    )
    made = (number, holdings, fetcher.refresh, warming, now)
    journals = Journals(make_following(node, topology, *made))
    rules.ways.hear(journals.now.feeds)
    swap = _swap(origin, service, hinting, bodies, fetcher, server, meter, teacher, lane, books)
    heirs = Heirs(swap, holdings.distrust, journals, partial(_followed, made), _auth(topology))
    return _Made(
        *(holdings, origin, fills, fetcher, log, accounts, lane, health, server, journals),
        *(certificates, meter, joined, Takeover(node, topology, heirs, now), heirs.auth, traces),
        *(books, hearing),
    )


def _storing(holdings: Holdings, origin: Origin, block_bytes: int) -> Storing:
    return Storing(holdings, lambda target: origin.ways.routing.policy_of(target), block_bytes)


def _followed(made: tuple[Any, ...], node: EdgeNode, topology: Topology) -> Following:
    return make_following(node, topology, *made)


def _swap(
    origin: Origin,
    service: Service,
    hinting: Hinting,
    bodies: Bodies,
    fetcher: Fetcher,
    server: Server,
    meter: LoadMeter,
    teacher: Teacher,
    lane: FastLane,
    books: Bookkeeping,
) -> Callable[[Rules, EdgeNode], None]:
    """What puts other rules in force in all of these, between two requests."""

    def swap(rules: Rules, node: EdgeNode) -> None:
        origin.adopt(rules.ways)
        service.parts = replace(service.parts, **rules.parts())
        hinting.routing = rules.ways.routing
        bodies.ahead_max = node.settings.read_ahead_blocks
        fetcher.part_of = _part_of(node.settings)
        server.limits = rules.limits
        meter.adopt(rules.capacity)
        teacher.adopt(rules.ways.routing)
        lane.recalls = rules.repeats_at_once
        books.adopt(rules.reporting)
        for connection in server.connections.values():
            connection.forget_heads()

    return swap


def _auth(topology: Topology) -> BearerAuth:
    tokens = grants_of(topology)
    return BearerAuth(tokens) if tokens else BearerAuth.open()


def _fetcher(
    node: EdgeNode,
    holdings: Holdings,
    fills: Fills,
    origin: Origin,
    storing: Storing,
    box: Box | None,
    now: Callable[[], float],
) -> Fetcher:
    settings = node.settings
    parts = _part_of(settings)
    borrow = None if box is None else box.borrow
    uncacheable = Uncacheable(holdings.epochs.is_past, now)
    return Fetcher(holdings, fills, origin, storing, uncacheable, parts, borrow)


def _part_of(settings: EdgeSettings) -> Callable[[int, int | None], tuple[int, int]]:
    return partial(
        first_part, block_bytes=settings.block_bytes, ahead_max=settings.read_ahead_blocks
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


def _run_worker(
    node: EdgeNode,
    topology: Topology,
    number: int,
    board: Scoreboard,
    mark: DrainMark,
    file: NodeFile | None = None,
    sockets: Sockets | None = None,
) -> int:
    async def main() -> None:
        serving: list[Worker] = []
        following = FollowedFile(node, number, file)

        def hang_up() -> None:
            for each in serving:
                each.hang_up()
            following.hang_up()

        with Stop(hang_up) as stop:
            started = asyncio.Event()

            async def live() -> None:
                running = worker(node, topology, number, board=board, mark=mark, sockets=sockets)
                async with running as me:
                    serving.append(me)
                    started.set()
                    async with following.watched(me.adopt, me.health):
                        await until_stopped(stop.wait(), me.holdings.loading.ended)

            await until_started_or_stopped(live(), started, stop.wait())

    return run(main)


async def _remember(stack: contextlib.AsyncExitStack, remembering: Remembering) -> None:
    await remembering.load()
    stack.push_async_callback(remembering.save)
    stack.push_async_callback(end_tasks, start_lasting("remembering", remembering.run))


async def _follow(stack: contextlib.AsyncExitStack, journals: Journals, loading: Loading) -> None:
    journals.start()
    stack.push_async_callback(journals.stop)
    # Before that: places in journals are kept only once all is loaded, and would be waited for.
    stack.push_async_callback(loading.stop)
    await journals.now.reached()


async def _serve_admin(
    stack: contextlib.AsyncExitStack,
    node: EdgeNode,
    number: int,
    made: _Made,
    tally: Tally,
    mark: DrainMark,
) -> str | None:
    if node.admin is None or number:
        return None
    told = (made.auth.authorize, made.health, made.meter.report)
    app = build_admin(Admin(node.name, tally, mark, *told))
    at, tls = node.admin, node.admin_tls
    certificates = None if tls is None else AdminCertificates(tls)
    serving = serve(app, at.host, at.port, certificates=certificates)
    listening = await stack.enter_async_context(serving)
    return listening.url


async def _tick(made: _Made, tally: Tally) -> None:
    """Once a second: time limits, and what the fast lane left for later."""
    loop = asyncio.get_running_loop()
    swept_at = loop.time()
    try:
        while True:
            made.server.tick(int(loop.time()))
            made.holdings.touch_recent(made.lane.stirred)
            made.books.tick()
            made.fills.memory.ease()
            if made.joined.box is not None:
                made.joined.box.tick()
            tally.publish()
            made.meter.take(tally.of_all(), loop.time(), tally.began_at)
            if made.lane.cmsd is not None:
                made.lane.cmsd.tick(made.server.connections, made.meter.report())
            if made.certificates is not None:
                made.certificates.refresh()
            if loop.time() >= swept_at + _UNUSED_FILE_SECONDS:
                swept_at = loop.time()
                made.holdings.open_files.sweep()
            await asyncio.sleep(TICK_SECONDS)
    finally:
        tally.publish()

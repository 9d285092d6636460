"""Composition root of the router: builds its parts from a topology, wires and runs them.

The only module that knows all the others. Nothing here decides anything.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog
from aiohttp import web

from cdnkit.service.app import build_app
from cdnkit.service.auth import BearerAuth
from cdnkit.service.certificates import Certificates, trust_of
from cdnkit.service.health import Health
from cdnkit.service.lasting import end_tasks, start_lasting
from cdnkit.service.logs import configure_logging, open_log
from cdnkit.service.metrics import Telemetry
from cdnkit.service.reference import Reference
from cdnkit.service.reload import Watch
from cdnkit.service.run import reopen_logs, run, wait_for_stop
from cdnkit.service.traced import mount_traces
from config.complaints import TopologyError
from config.node_file import NodeFile
from config.topology import RouterNode, Topology
from geo_router.choose import edge_url
from geo_router.counting import Counting
from geo_router.dns_limit import RateLimit
from geo_router.dns_server import DnsServer
from geo_router.families import Families, last_resorts
from geo_router.fleet import Fleet, Observation
from geo_router.front import serve_redirects
from geo_router.handlers import Desk
from geo_router.insight import InsightDesk
from geo_router.measurements import Measurements, network_of
from geo_router.metrics import RouterMetrics
from geo_router.observers import Observers
from geo_router.operate import load_page
from geo_router.overview.overview import Overview
from geo_router.probe import Prober, Target, targets_of
from geo_router.realm import Realm, Reign, build_realm, needs_restart
from geo_router.recording import recorder_of
from geo_router.steering_handlers import SteeringDesk
from geo_router.workers import run_workers

GEO_REFRESH_SECONDS: Final = 5.0
TICK_SECONDS: Final = 1.0

ABOUT = """Sends viewers to edges. Every path that is not listed here is an object path: it is \
answered by a redirect to the best edge. Errors are problem+json (RFC 9457)."""

_log = structlog.get_logger("geo_router")


@dataclass(slots=True)
class Router:
    """A router that is wired; `application` serves it, `running` keeps its tasks."""

    application: web.Application
    reign: Reign
    health: Health
    desk: Desk
    overview: Overview
    metrics: RouterMetrics
    dns: DnsServer | None
    look: Callable[[Realm], tuple[Prober, Observers]]
    """Makes what looks at the edges of a realm."""
    now: Callable[[], float]
    _looking: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def families(self) -> Families:
        """What is believed and decided now."""
        return self.reign.realm.families

    @property
    def fleet(self) -> Fleet:
        """What is believed for viewers with IPv4 addresses, and where nothing tells them apart."""
        return self.families.fleets[4]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Probe edges, hear other routers and watch the geo database inside the block."""
        await self.reign.realm.locator.refresh()
        tasks = (
            start_lasting("geo database", partial(_watch_database, self.reign)),
            start_lasting(
                "time", partial(_keep_time, self.reign, self.now), pause_seconds_max=TICK_SECONDS
            ),
        )
        try:
            await self._start_looking(*self.look(self.reign.realm))
            self.health.started()
            async with self.overview.running():
                yield
        finally:
            await self._looking.aclose()
            await end_tasks(*tasks)

    async def adopt(self, node: RouterNode, topology: Topology) -> None:
        """Go on with another topology.

        Raises AuthorityError and BadRequestError, and then nothing has changed.
        """
        before = self.reign.realm
        realm = build_realm(node, topology, self.now(), self.metrics.count_geo_failure, before)
        if realm.locator is not before.locator:
            await realm.locator.refresh()
        looking = self.look(realm)
        if names := needs_restart(before, node, topology):
            _log.warning("some settings take a restart", settings=names)
        self.reign.adopt(realm)
        await self._looking.aclose()
        await self._start_looking(*looking)
        show_states(self.metrics, realm.families, before.families)
        _log.info("topology adopted", edges=len(topology.open_edges()), sites=len(topology.sites))

    async def _start_looking(self, prober: Prober, observers: Observers) -> None:
        self._looking = AsyncExitStack()
        await self._looking.enter_async_context(prober)
        await self._looking.enter_async_context(observers)


def build_router(
    node: RouterNode,
    topology: Topology,
    *,
    now: Callable[[], float] = time.time,
    chance: Callable[[], float] = random.random,
    on_change: Callable[[str, Fleet], None] = lambda edge, fleet: None,
) -> Router:
    """Wire a router. `on_change` hears of every edge whose state changed, after the fact.

    Raises BadRequestError for a topology without a site, OSError when the log cannot be opened.
    """
    telemetry = Telemetry("router", node.name)
    metrics = RouterMetrics(telemetry.registry)
    reign = Reign(build_realm(node, topology, now(), metrics.count_geo_failure))
    measurements = Measurements()
    overview = Overview(reign, now)
    desk = Desk(reign, Counting(metrics, overview), now)
    auth = auth_of(topology)
    reign.heirs.append(lambda realm: auth.adopt(tokens_of(realm.topology)))
    insight = InsightDesk(desk, node.name, lambda place: measurements.of(network_of(place)))
    steering = SteeringDesk(
        reign,
        measurements,
        desk.client_of,
        desk.require_polled,
        now,
        lambda: secrets.token_hex(6),
        chance,
    )
    health = Health()
    health.add_check(
        "fleet", lambda: None if reign.realm.families.is_polled else "not every edge was probed"
    )
    application = build_app(
        tier="router",
        name=node.name,
        telemetry=telemetry,
        health=health,
        routes=[
            *load_page().routes(),
            *overview.routes(),
            *steering.routes(),
            *insight.routes(),
            *desk.routes(),
        ],
        authorize_scope=auth.authorize,
        access_log=open_log(node.settings.access_log),
        reference=Reference("Cinedge router", ABOUT),
    )
    mount_traces(application, "router", node.name, topology.tracing)
    application.on_shutdown.append(overview.close)
    show_states(metrics, reign.realm.families)
    look = partial(build_watch, metrics, overview, now=now, chance=chance, on_change=on_change)
    return Router(application, reign, health, desk, overview, metrics, build_dns(reign), look, now)


def tokens_of(topology: Topology) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Who may see what is for operators alone."""
    return {each.secret: (each.name, each.scopes) for each in topology.access_tokens}


def auth_of(topology: Topology) -> BearerAuth:
    """Without any token, whoever is on this machine."""
    return BearerAuth(tokens_of(topology)) if topology.access_tokens else BearerAuth.open()


def build_watch(
    metrics: RouterMetrics,
    overview: Overview,
    realm: Realm,
    *,
    now: Callable[[], float],
    chance: Callable[[], float],
    on_change: Callable[[str, Fleet], None],
) -> tuple[Prober, Observers]:
    """What looks at edges, and what hears the other routers. Raises AuthorityError."""
    families, topology = realm.families, realm.topology
    apart = families.are_apart

    def tell(edge: str, fleet: Fleet) -> None:
        # An edge with both kinds of addresses is shown as IPv4 viewers see it.
        if edge not in families.fleets[4] or fleet is not families.fleets[6] or not apart:
            metrics.show_state(edge, fleet)
        believed = fleet[edge]
        _log.info("edge changed", edge=edge, state=believed.state.value, reason=believed.reason)
        overview.changed(edge)
        on_change(edge, fleet)

    def observe(target: Target, seen: Observation) -> bool:
        metrics.count_probe(target.edge, seen)
        if 4 in target.families or (target.families and target.edge not in families.fleets[4]):
            overview.observe(target.edge, seen)
        changed, doubtful = families.observe(target.edge, target.families, seen, now())
        for fleet in changed:
            tell(target.edge, fleet)
        return doubtful

    def reconsider() -> None:
        for edge, fleet in families.reconsider(now()):
            tell(edge, fleet)

    targets = [
        target
        for edge in topology.open_edges()
        for target in targets_of(edge.name, edge_url(edge), edge.addresses)
    ]
    targets += [
        Target(resort.name, resort.probed_url or resort.url, ())
        for resort in last_resorts(topology, realm.settings)
    ]
    trust = trust_of(topology.authorities)
    prober = Prober(targets, realm.settings, chance=chance, observe=observe, trust=trust)
    observers = Observers(
        peers_of(realm.node, topology),
        families.councils,
        now=now,
        is_in_doubt=lambda: families.is_in_doubt,
        on_heard=reconsider,
        trust=trust,
    )
    return prober, observers


def show_states(metrics: RouterMetrics, families: Families, before: Families | None = None) -> None:
    """Publish the state of everybody who is looked at, and forget those who are no more."""
    fleets = (families.fleets[6], families.fleets[4], families.resorts)
    for fleet in fleets:
        for name in fleet.names():
            metrics.show_state(name, fleet)
    if before is not None:
        past = (*before.fleets.values(), before.resorts)
        gone = {name for fleet in past for name in fleet.names()}
        for name in gone.difference(*(fleet.names() for fleet in fleets)):
            metrics.forget_state(name)


def build_dns(reign: Reign) -> DnsServer | None:
    """The DNS answerer, where the topology names a zone."""
    answerer = reign.realm.answerer
    if answerer is None:
        return None

    def limit(realm: Realm) -> RateLimit:
        return RateLimit(realm.topology.dns.responses_per_second)

    server = DnsServer(answerer, limit(reign.realm), time.monotonic)

    def inherit(realm: Realm) -> None:
        if realm.answerer is not None:
            server.adopt(realm.answerer, limit(realm))

    reign.heirs.append(inherit)
    return server


def peers_of(node: RouterNode, topology: Topology) -> dict[str, str]:
    """The other routers of a topology and where they answer."""
    return {
        other.name: other.url.rstrip("/") or f"http://{other.listen}"
        for other in topology.routers
        if other.name != node.name
    }


def run_router(node: RouterNode, topology: Topology, file: NodeFile | None = None) -> int:
    """Run a router, one process per worker, until it is told to stop; the exit status.

    `file` is where the topology came from: read again when it changes, and at SIGHUP.
    """
    configure_logging("router", node.name)
    return run_workers(node.workers, lambda: run_worker(node, topology, file))


def run_worker(node: RouterNode, topology: Topology, file: NodeFile | None = None) -> int:
    """Run one process of a router until it is told to stop; the exit status."""

    async def main() -> None:
        router = build_router(node, topology)
        certificates = None if node.tls is None else Certificates(node.tls)
        if certificates is not None:
            router.application.on_response_prepare.append(certificates.tell_browsers)
        host, port = node.listen.host, node.listen.port
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(router.running())
            await stack.enter_async_context(
                serve_redirects(
                    *(router.application, router.desk, host, port),
                    reuse_port=node.workers > 1,
                    context=certificates.context if certificates else None,
                    record=recorder_of(router.application),
                )
            )
            if certificates is not None:
                await stack.enter_async_context(certificates.followed())
            if node.dns is not None and router.dns is not None:
                await stack.enter_async_context(router.dns.serving(node.dns))
            reopen = reopen_logs(router.application)
            if file is None:
                await wait_for_stop(reopen)
                return
            router.health.topology = file.digest

            async def adopt(node: RouterNode, topology: Topology) -> None:
                await router.adopt(node, topology)
                router.health.topology = file.digest

            watch = Watch(file, adopt, (TopologyError,), router.metrics.count_reload)
            stack.push_async_callback(end_tasks, start_lasting("topology", watch.follow))

            def hang_up() -> None:
                reopen()
                watch.hang_up()

            await wait_for_stop(hang_up)

    return run(main)


async def _watch_database(reign: Reign) -> None:
    while True:
        await asyncio.sleep(GEO_REFRESH_SECONDS)
        try:
            await reign.realm.locator.refresh()
        except Exception:  # the watch outlives whatever one look does
            _log.exception("geo database watch failed")


async def _keep_time(reign: Reign, now: Callable[[], float]) -> None:
    while True:
        await asyncio.sleep(TICK_SECONDS)
        reign.realm.families.tick(now())

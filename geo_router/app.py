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
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web

from cdnkit.errors import BadRequestError
from cdnkit.service.app import build_app
from cdnkit.service.health import Health
from cdnkit.service.logs import configure_logging, open_log
from cdnkit.service.metrics import Telemetry
from cdnkit.service.run import reopen_logs, run, wait_for_stop
from config.topology import Geo, RouterNode, Topology
from geo_router.choose import edge_url
from geo_router.client_address import trust
from geo_router.dns_answer import Answerer
from geo_router.dns_limit import RateLimit
from geo_router.dns_server import DnsServer
from geo_router.dns_zone import Zone
from geo_router.families import Families, build_families
from geo_router.fleet import Fleet, Observation
from geo_router.front import serve_redirects
from geo_router.handlers import Desk
from geo_router.insight import InsightDesk
from geo_router.locate import Locator
from geo_router.measurements import Measurements, network_of
from geo_router.metrics import RouterMetrics
from geo_router.observers import Observers
from geo_router.operate import load_page
from geo_router.pacing import Bucket
from geo_router.probe import Prober, Target, targets_of
from geo_router.steering_handlers import SteeringDesk
from geo_router.workers import run_workers

GEO_REFRESH_SECONDS: Final = 5.0
TICK_SECONDS: Final = 1.0

_log = structlog.get_logger("geo_router")


@dataclass(frozen=True, slots=True)
class Router:
    """A router that is wired; `application` serves it, `running` keeps its tasks."""

    application: web.Application
    families: Families
    locator: Locator
    health: Health
    prober: Prober
    observers: Observers
    now: Callable[[], float]
    desk: Desk
    dns: DnsServer | None = None

    @property
    def fleet(self) -> Fleet:
        """What is believed for viewers with IPv4 addresses, and where nothing tells them apart."""
        return self.families.fleets[4]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Probe edges, hear other routers and watch the geo database inside the block."""
        await self.locator.refresh()
        tasks = (
            asyncio.create_task(_watch_database(self.locator), name="geo database"),
            asyncio.create_task(_keep_time(self.families, self.now), name="time"),
        )
        try:
            async with self.prober, self.observers:
                self.health.started()
                yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


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
    settings = node.settings
    telemetry = Telemetry("router", node.name)
    metrics = RouterMetrics(telemetry.registry)
    families = build_families(topology, settings, now())
    geo = geo_of(topology)
    sites = {site.name for site in topology.sites}
    locator = Locator(geo, on_failure=metrics.count_geo_failure, sites=sites)

    prober, observers = build_watch(
        node, topology, families, metrics, now=now, chance=chance, on_change=on_change
    )
    measurements = Measurements()
    desk = Desk(
        locator,
        families,
        trust(geo.trusted_proxies),
        metrics,
        now,
        settings.up_after * settings.probe_interval_seconds,
    )
    insight = InsightDesk(desk, node.name, lambda place: measurements.of(network_of(place)))
    steering = SteeringDesk(
        families,
        locator,
        measurements,
        settings,
        Bucket(settings.steering_per_second_max, now()),
        desk.client_of,
        desk.require_polled,
        now,
        lambda: secrets.token_hex(6),
        chance,
    )
    health = Health()
    health.add_check("fleet", lambda: None if families.is_polled else "not every edge was probed")
    application = build_app(
        tier="router",
        name=node.name,
        telemetry=telemetry,
        health=health,
        routes=[*load_page().routes(), *steering.routes(), *insight.routes(), *desk.routes()],
        access_log=open_log(settings.access_log),
    )
    for family in (6, 4):
        for name in families.fleets[family].names():
            metrics.show_state(name, families.fleets[family])
    dns = build_dns(topology, families, locator)
    return Router(application, families, locator, health, prober, observers, now, desk, dns)


def build_watch(
    node: RouterNode,
    topology: Topology,
    families: Families,
    metrics: RouterMetrics,
    *,
    now: Callable[[], float],
    chance: Callable[[], float],
    on_change: Callable[[str, Fleet], None],
) -> tuple[Prober, Observers]:
    """What looks at edges, and what hears the other routers."""

    def tell(edge: str, fleet: Fleet) -> None:
        if fleet is families.fleets[4] or edge not in families.fleets[4]:
            metrics.show_state(edge, fleet)
        believed = fleet[edge]
        _log.info("edge changed", edge=edge, state=believed.state.value, reason=believed.reason)
        on_change(edge, fleet)

    def observe(target: Target, seen: Observation) -> bool:
        metrics.count_probe(target.edge, seen)
        changed, doubtful = families.observe(target.edge, target.families, seen, now())
        for fleet in changed:
            tell(target.edge, fleet)
        return doubtful

    def reconsider() -> None:
        for edge, fleet in families.reconsider(now()):
            tell(edge, fleet)

    targets = [
        target
        for edge in topology.edges
        for target in targets_of(edge.name, edge_url(edge), edge.addresses)
    ]
    prober = Prober(targets, node.settings, chance=chance, observe=observe)
    observers = Observers(
        peers_of(node, topology),
        families.councils,
        now=now,
        is_in_doubt=lambda: families.is_in_doubt,
        on_heard=reconsider,
    )
    return prober, observers


def build_dns(topology: Topology, families: Families, locator: Locator) -> DnsServer | None:
    """The DNS answerer, where the topology names a zone. Raises BadRequestError."""
    if not topology.dns.zone:
        return None
    zone = Zone(topology.dns, topology.edges, families)
    answerer = Answerer(zone, locator.locate_network, lambda: (families.epoch, locator.version))
    return DnsServer(answerer, RateLimit(topology.dns.responses_per_second), time.monotonic)


def peers_of(node: RouterNode, topology: Topology) -> dict[str, str]:
    """The other routers of a topology and where they answer."""
    return {
        other.name: (other.url or f"http://{other.listen}").rstrip("/")
        for other in topology.routers
        if other.name != node.name
    }


def geo_of(topology: Topology) -> Geo:
    """The geo part, or the first site for everybody. Raises BadRequestError without a site."""
    if topology.geo is not None:
        return topology.geo
    if not topology.sites:
        raise BadRequestError("a router needs at least one site to send viewers to")
    return Geo(default_site=topology.sites[0].name)


def run_router(node: RouterNode, topology: Topology) -> int:
    """Run a router, one process per worker, until it is told to stop; the exit status."""
    configure_logging("router", node.name)
    return run_workers(node.workers, lambda: run_worker(node, topology))


def run_worker(node: RouterNode, topology: Topology) -> int:
    """Run one process of a router until it is told to stop; the exit status."""

    async def main() -> None:
        router = build_router(node, topology)
        host, port = node.listen.host, node.listen.port
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(router.running())
            await stack.enter_async_context(
                serve_redirects(
                    router.application, router.desk, host, port, reuse_port=node.workers > 1
                )
            )
            if node.dns is not None and router.dns is not None:
                await stack.enter_async_context(router.dns.serving(node.dns))
            await wait_for_stop(reopen_logs(router.application))

    return run(main)


async def _watch_database(locator: Locator) -> None:
    while True:
        await asyncio.sleep(GEO_REFRESH_SECONDS)
        try:
            await locator.refresh()
        except Exception:  # the watch outlives whatever one look does
            _log.exception("geo database watch failed")


async def _keep_time(families: Families, now: Callable[[], float]) -> None:
    while True:
        await asyncio.sleep(TICK_SECONDS)
        families.tick(now())

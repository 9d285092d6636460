"""The origin's composition root: opens store and catalog, mounts every handler, closes in reverse.

The only module of this tier that knows all its parts. What a part does is its own business.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from cdnkit.errors import ForbiddenError
from cdnkit.service.app import HEALTH, TELEMETRY, build_app
from cdnkit.service.auth import BearerAuth
from cdnkit.service.certificates import Certificates
from cdnkit.service.health import Health
from cdnkit.service.lasting import end_tasks, start_lasting
from cdnkit.service.logs import configure_logging, open_log
from cdnkit.service.metrics import Telemetry
from cdnkit.service.reference import Reference
from cdnkit.service.reload import Watch
from cdnkit.service.run import reopen_logs, run, serve, wait_for_stop
from cdnkit.service.traced import mount_traces
from cdnkit.tokens.keys import native_keys
from config.check_addresses import is_loopback
from config.complaints import TopologyError
from config.node_file import NodeFile
from config.topology import OriginNode, Topology, Volume
from config.tracing import addresses_in
from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url
from origin.catalog.follow import follow
from origin.changes import Changes
from origin.contents import Contents
from origin.costs.handlers import CostHandlers
from origin.front import serve_content
from origin.ingest.receive import Receiver
from origin.lane.library import ContentLibrary
from origin.orders.opening import OrderParts, open_orders
from origin.packaging.opening import PackagingParts, open_packaging
from origin.page_sources import allowed_sources
from origin.requests import close_after_refusal
from origin.resumable.mounting import mount_uploads
from origin.resumable.opening import open_intake
from origin.resumable.rules import Rules
from origin.shelf import Shelf
from origin.site import Site
from origin.store.base import ByteStore
from origin.store.disk import DiskStore, open_disk_store
from origin.store.objects import open_object_store
from origin.store.operate import StoreOperation
from origin.store.upkeep import UpkeepSettings, layout_of
from origin.sweeper import Holds, Sweeper
from origin.takeover import Heirs, Takeover
from origin.titles import Titles
from origin.uploads import Uploads

if TYPE_CHECKING:
    from origin.domains.app import FilmService

ABOUT = """Keeps the films and the facts about them. Object keys in paths are written as they \
are, slashes included. Whoever changes something needs a bearer token with the scope that the \
operation names. Errors are problem+json (RFC 9457)."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class OriginParts:
    """What an opened origin is made of."""

    catalog: Catalog
    store: ByteStore
    receiver: Receiver
    sweeper: Sweeper


PACKAGING: web.AppKey[PackagingParts] = web.AppKey("packaging", PackagingParts)
ORDERS: web.AppKey[OrderParts] = web.AppKey("orders", OrderParts)
COSTS: web.AppKey[CostHandlers] = web.AppKey("costs", CostHandlers)
TAKEOVER: web.AppKey[Takeover] = web.AppKey("takeover", Takeover)
LIBRARY: web.AppKey[ContentLibrary] = web.AppKey("library", ContentLibrary)
PARTS: web.AppKey[OriginParts] = web.AppKey("origin_parts", OriginParts)


def run_origin(
    node: OriginNode, topology: Topology, file: NodeFile | None = None, *, open_uploads: bool
) -> int:
    """Run one origin until it is told to stop; the exit status of the process.

    `file` is where the topology came from: read again when it changes, and at SIGHUP. With
    `open_uploads` this machine uploads without a token.
    """
    configure_logging("origin", node.name)

    async def main() -> None:
        app = await build_origin(node, topology, open_uploads=open_uploads)
        mount_traces(app, "origin", node.name, topology.tracing, _edge_addresses(topology))
        _calm_collector()
        async with _serving(app, node):
            if open_uploads:
                _log.warning("uploads from this machine need no token")
            reopen = reopen_logs(app)
            if file is None:
                await wait_for_stop(reopen)
                return
            async with _watching(app, file) as watch:

                def hang_up() -> None:
                    reopen()
                    watch.hang_up()

                await wait_for_stop(hang_up)

    return run(main)


@asynccontextmanager
async def _watching(app: web.Application, file: NodeFile) -> AsyncIterator[Watch]:
    health = app[HEALTH]

    async def adopt(node: OriginNode, topology: Topology) -> None:
        await app[TAKEOVER].adopt(node, topology)
        health.topology = file.digest

    health.topology = file.digest
    watch = Watch(file, adopt, (TopologyError,))
    following = start_lasting("topology", watch.follow)
    try:
        yield watch
    finally:
        await end_tasks(following)


def _calm_collector() -> None:
    """What lives now, the catalog above all, stays: no look at it with every request."""
    gc.collect()
    gc.freeze()


def _serving(app: web.Application, node: OriginNode) -> AbstractAsyncContextManager[object]:
    """Its port, with the lane for content before it where it may write to sockets itself."""
    host, port = node.listen.host, node.listen.port
    if node.tls is not None:
        return serve(app, host, port, certificates=Certificates(node.tls))
    if isinstance(app[PARTS].store, DiskStore):
        return serve_content(app, app[LIBRARY], host, port, now=time.time)
    return serve(app, host, port)


async def build_origin(
    node: OriginNode,
    topology: Topology,
    *,
    open_uploads: bool,
    store: ByteStore | None = None,
    now: Callable[[], float] = time.time,
) -> web.Application:
    """The application of one origin with everything opened; its clean-up closes it again.

    Raises ForbiddenError when uploads would be open to other machines, UnavailableError or OSError
    when the database or the volumes cannot be opened.
    """
    auth = make_auth(node, topology, open_uploads=open_uploads)
    health = Health()
    async with AsyncExitStack() as opened:
        parts, holds = await _open_parts(node, opened, store, now)
        shelf = Shelf(parts.catalog, node.max_age_seconds)
        contents = Contents(parts.catalog, parts.store, holds, shelf=shelf, base_url=node.url)
        rules = Rules(node.extent_bytes, node.object_bytes_max)
        intake = await opened.enter_async_context(
            open_intake(parts.catalog, parts.store, rules, now, _report)
        )
        uploads = Uploads(
            parts.catalog,
            parts.receiver,
            authorize=auth.authorize,
            limit_bytes=node.object_bytes_max,
            base_url=node.url,
            resumable=mount_uploads(intake, node.url, auth.authorize),
        )
        packaging = open_packaging(node, topology, parts.catalog, parts.store, holds, now)
        telemetry = Telemetry("origin", node.name)
        keys = dict(native_keys(topology.token_keys))
        film_service = await _open_film_service(node, topology, parts.catalog, telemetry, now, keys)
        site = _open_site(node, topology)
        app = build_app(
            tier="origin",
            name=node.name,
            telemetry=telemetry,
            health=health,
            access_log=open_log(node.access_log),
            authorize_scope=auth.authorize,
            reference=Reference("Cinedge origin", ABOUT),
            routes=[
                *contents.routes(),
                *uploads.routes(),
                *_title_routes(parts, packaging),
                *site.routes(),
            ],
        )
        app[PARTS], app[PACKAGING] = parts, packaging
        app[LIBRARY] = ContentLibrary(shelf, parts.store)
        app.on_response_prepare.append(close_after_refusal)
        app.on_shutdown.append(_let_followers_go)
        closing = opened.pop_all()
        app.cleanup_ctx.append(_closing_at_end(closing, health))
        _operate_store(app, node, now)
        _mount_orders(app, topology, auth, now)
        heirs = Heirs(auth, shelf, site, app[ORDERS], app[COSTS], keys)
        app[TAKEOVER] = Takeover(node, topology, heirs)
        if film_service is not None:
            film_service.mount(app, auth.recognise)
    health.add_check("database", parts.catalog.database.missing)
    return app


def _title_routes(parts: OriginParts, packaging: PackagingParts) -> list[web.RouteDef]:
    """Titles, and their way to viewers, whose patterns are narrower."""
    titles = Titles(
        parts.catalog,
        packaging.jobs,
        saved=packaging.automatic.saved if packaging.automatic else None,
        removed=packaging.handlers.withdraw,
    )
    return [*packaging.handlers.routes(), *titles.routes()]


def make_auth(node: OriginNode, topology: Topology, *, open_uploads: bool) -> BearerAuth:
    """Who may upload. Raises ForbiddenError when it would be everybody."""
    if not open_uploads:
        return BearerAuth({t.secret: (t.name, t.scopes) for t in topology.access_tokens})
    if not is_loopback(node.listen.host):
        raise ForbiddenError(f"without a token an origin listens on loopback, not on {node.listen}")
    return BearerAuth.open()


def volumes_of(node: OriginNode) -> tuple[Volume, ...]:
    """The configured volumes, or one under the data directory."""
    return node.volumes or (Volume(name="data", path=str(Path(node.data) / "volume")),)


def volumes_trouble(store: ByteStore) -> str | None:
    """Why the volumes cannot take traffic: only when none works; the others go on."""
    states = store.volume_states() if isinstance(store, DiskStore) else ()
    if states and all(state.failure is not None for state in states):
        return "no volume works"
    return None


async def _open_parts(
    node: OriginNode, opened: AsyncExitStack, store: ByteStore | None, now: Callable[[], float]
) -> tuple[OriginParts, Holds]:
    data = Path(node.data)
    await asyncio.to_thread(data.mkdir, parents=True, exist_ok=True)
    if store is None:
        store = await _open_store(node, data, now)
    opened.push_async_callback(store.close)
    catalog = await open_catalog(parse_database_url(node.database, data), now)
    opened.push_async_callback(catalog.close)
    receiver = Receiver(store, catalog, node.extent_bytes)
    opened.push_async_callback(receiver.close)
    holds = Holds()
    sweeper = Sweeper(catalog, store, holds, now, _report)
    return OriginParts(catalog, store, receiver, sweeper), holds


async def _open_store(node: OriginNode, data: Path, now: Callable[[], float]) -> ByteStore:
    if node.object_store is not None:
        return await open_object_store(node.object_store, node.extent_bytes)
    return await open_disk_store(
        volumes_of(node),
        state_path=data / "volumes.json",
        clock=now,
        copies=node.copies,
        extent_bytes=node.extent_bytes,
    )


def _operate_store(app: web.Application, node: OriginNode, now: Callable[[], float]) -> None:
    """Mount what looks after our own volumes; an object store looks after itself."""
    parts = app[PARTS]
    if not isinstance(parts.store, DiskStore):
        return
    settings = UpkeepSettings(
        node.scrub_bytes_per_second,
        node.scrub_interval_seconds,
        Path(node.data) / "upkeep.json",
        layout_of(volumes_of(node), node.copies),
    )
    objects = parts.catalog.objects
    upkeep = parts.store.open_upkeep(
        settings, now, lambda: [row.stored for row in objects.page(limit=len(objects) + 1)[0]]
    )
    operation = StoreOperation(parts.store, upkeep)
    operation.register(app[TELEMETRY])
    app[HEALTH].add_check("volumes", lambda: volumes_trouble(parts.store))
    app.add_routes(operation.routes())
    app.cleanup_ctx.append(operation.running)


def _mount_orders(
    app: web.Application, topology: Topology, auth: BearerAuth, now: Callable[[], float]
) -> None:
    """Mount the journal, and what edges are told and tell by it."""
    catalog = app[PARTS].catalog
    orders = open_orders(topology, catalog, auth.authorize, _report, now)
    costs = CostHandlers(topology, catalog.database, _report, now)
    app[COSTS] = costs
    app.add_routes(costs.routes())
    app[ORDERS] = orders
    app.add_routes(Changes(catalog, orders.followers, auth.authorize).routes())
    app.add_routes(orders.handlers.routes())


def _open_site(node: OriginNode, topology: Topology) -> Site:
    player = Path(node.hls_js) if node.hls_js else None
    if player is not None and not player.is_file():
        _report(f"there is no {player}: the site plays without hls.js")
        player = None
    service = topology.service
    return Site(
        node.router_url,
        allowed_sources(node.router_url, topology),
        service=service is not None,
        plans=service is not None and service.payments is not None,
        player=player,
    )


async def _open_film_service(
    node: OriginNode,
    topology: Topology,
    catalog: Catalog,
    telemetry: Telemetry,
    now: Callable[[], float],
    token_keys: Mapping[str, bytes],
) -> FilmService | None:
    """Accounts, rights, payments and the rest, where the topology has them."""
    if topology.service is None:
        return None
    # A quarter of what an origin imports; who only keeps films starts without it.
    from origin.domains.app import Surroundings, open_film_service

    site_url = (topology.service.url or node.url or f"http://{node.listen}").rstrip("/")
    around = Surroundings(
        topology.service,
        catalog,
        Path(node.data),
        site_url,
        _report,
        now,
        telemetry,
        router_url=node.router_url.rstrip("/"),
        token_keys=token_keys,
    )
    return await open_film_service(around)


def _closing_at_end(
    closing: AsyncExitStack, health: Health
) -> Callable[[web.Application], AsyncIterator[None]]:
    async def context(app: web.Application) -> AsyncIterator[None]:
        async with closing:
            parts = app[PARTS]
            tasks = [
                start_lasting("sweeper", parts.sweeper.run),
                start_lasting("follow", partial(follow, parts.catalog, _report)),
                start_lasting("packaging", app[PACKAGING].run),
                start_lasting("followers", app[ORDERS].followers.run),
                start_lasting("costs", app[COSTS].run),
            ]
            health.started()
            yield
            await end_tasks(*tasks)

    return context


async def _let_followers_go(app: web.Application) -> None:
    app[PARTS].catalog.journal.close()


def _report(message: str) -> None:
    _log.error(message)


def _edge_addresses(topology: Topology) -> tuple[str, ...]:
    """Where questions of edges come from, as far as the topology tells: they are believed."""
    return tuple(
        address
        for edge in topology.edges
        for address in addresses_in(*edge.addresses, edge.url, edge.peer_url, edge.listen.host)
    )

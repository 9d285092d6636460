"""The overview of one router process: fed by its probes and decisions, told once a second."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from aiohttp import web

from cdnkit.service.lasting import end_tasks, start_lasting
from geo_router import answers
from geo_router.fleet import Observation
from geo_router.overview.board import Board
from geo_router.overview.desk import OverviewDesk
from geo_router.overview.hub import Hub
from geo_router.overview.orders import OrdersDesk
from geo_router.place import Square
from geo_router.realm import Realm, Reign

TICK_SECONDS: Final = 1.0

_log = structlog.get_logger("geo_router.overview")


class Overview:
    """Takes in what happens and hands it to the board and to who listens."""

    def __init__(self, reign: Reign, now: Callable[[], float]) -> None:
        self.board = Board(now())
        self.hub = Hub(secrets.token_hex(4))
        self._reign = reign
        self._now = now
        self._desk = OverviewDesk(self.board, self.hub, reign, now(), now)
        self._orders = OrdersDesk(
            lambda: reign.realm.topology.origins, reign.realm.topology.authorities
        )
        self.board.journal.add(now(), "router", "this router started")
        reign.heirs.append(self._inherit)

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [*self._desk.routes(), *self._orders.routes()]

    def count(self, square: Square, site: str, times: int = 1) -> None:
        """So many viewers of a square were sent to a site."""
        self.board.count(square, site, times)

    def observe(self, edge: str, seen: Observation) -> None:
        """What one probe saw."""
        self.board.observe(edge, seen, self._now())

    def changed(self, edge: str) -> None:
        """The state of an edge has changed: who listens hears of it now."""
        choosers = self._reign.realm.families.choosers
        if any(edge in chooser.fleet for chooser in choosers.values()):
            body = answers.edge_body(choosers, edge)
            self.hub.publish("change", self.board.change(body, self._now()))

    def tick(self) -> None:
        """What a second brings."""
        message = self.board.tick(self._now(), self._bodies())
        self.hub.publish("tick", message)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tick inside the block."""
        ticking = start_lasting("overview", self._keep_ticking)
        try:
            async with self._orders.running():
                yield
        finally:
            await end_tasks(ticking)

    async def close(self, app: web.Application) -> None:
        """The process ends: let go who listens."""
        self.hub.close()

    async def _keep_ticking(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + TICK_SECONDS, loop.time())
            await asyncio.sleep(due - loop.time())
            try:
                self.tick()
            except Exception:  # the page may miss a second; viewers are routed all the same
                _log.exception("overview failed")

    def _bodies(self) -> list[dict[str, Any]]:
        families = self._reign.realm.families
        fleet = answers.fleet_body(families.choosers, families.resorts, self._now())
        bodies: list[dict[str, Any]] = fleet["edges"]
        return bodies

    def _inherit(self, realm: Realm) -> None:
        edges, sites = len(realm.topology.open_edges()), len(realm.topology.sites)
        text = f"a new topology is in force: {edges} edges in {sites} sites"
        self.board.journal.add(self._now(), "topology", text)
        self.hub.begin_anew()

"""The steering servers for HLS and DASH players.

    GET /v1/steering/hls/{path}    for `#EXT-X-CONTENT-STEERING:SERVER-URI`    200, 400, 410, 429
    GET /v1/steering/dash/{path}   for `<ContentSteering>`                     200, 400, 410, 429

What a manifest says is decided by `choose` and laid out by `steering`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from cdnkit.service.exchange import note
from cdnkit.service.pages import cors_headers, preflight_headers
from config.topology import RouterSettings
from geo_router import answers, steering
from geo_router.client_address import Client
from geo_router.families import Families
from geo_router.locate import Locator
from geo_router.measurements import Measurements, network_of
from geo_router.pacing import Bucket

HLS_PREFIX: Final = "/v1/steering/hls"
DASH_PREFIX: Final = "/v1/steering/dash"
PATHWAYS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class SteeringDesk:
    """Handlers and what they look things up in."""

    families: Families
    locator: Locator
    measurements: Measurements
    settings: RouterSettings
    bucket: Bucket
    client_of: Callable[[web.Request], Client]
    require_polled: Callable[[], None]
    now: Callable[[], float]
    nonce: Callable[[], str]
    chance: Callable[[], float]

    def routes(self) -> list[web.RouteDef]:
        """Both kinds."""
        return [
            route
            for prefix in (HLS_PREFIX, DASH_PREFIX)
            for route in (
                web.get(prefix + "/{path:.+}", self.get_manifest),
                web.options(prefix + "/{path:.+}", self.preflight),
            )
        ]

    async def preflight(self, request: web.Request) -> web.Response:
        """Players of other origins ask first."""
        return web.Response(status=204, headers=preflight_headers(request.headers))

    async def get_manifest(self, request: web.Request) -> web.Response:
        """The pathways for one player, best first."""
        now, settings = self.now(), self.settings
        if not self.bucket.take(now):
            wait_seconds = self.bucket.wait_seconds(self.chance())
            raise steering.TooManyRequestsError("Too many players ask now.", wait_seconds)
        kind = "dash" if request.path.startswith(DASH_PREFIX) else "hls"
        query = {name: request.query.getall(name) for name in request.query}
        asked = steering.read_request(kind, query)
        session = asked.session or steering.open_session(now, self.nonce())
        steering.require_open(session, now, settings.steering_session_seconds)
        self.require_polled()
        client = self.client_of(request)
        place = self.locator.locate(client.address)
        for pathway, bits_per_second in asked.throughputs:
            if self._is_edge(pathway):
                self.measurements.tell(network_of(place), pathway, bits_per_second, now)
        target = answers.target_of_parameter("/" + request.match_info["path"])
        decision = self.families.choose(
            client.address, place, answers.object_key(target), PATHWAYS_MAX
        )
        ttl = steering.ttl_seconds(
            now - self.families.changed_at,
            settings.steering_shortest_seconds,
            settings.steering_longest_seconds,
        )
        edges = [candidate for candidate in decision.candidates if candidate.site]
        body = steering.manifest(asked, edges, request.path, session, ttl)
        note(request, edge=body["PATHWAY-PRIORITY"][0], rung=decision.rung.value, session=session)
        return web.json_response(body, headers={"Cache-Control": "no-store", **cors_headers()})

    def _is_edge(self, name: str) -> bool:
        return any(name in fleet for fleet in self.families.fleets.values())

"""The steering servers for HLS and DASH players.

    GET /v1/steering/hls/{path}    for `#EXT-X-CONTENT-STEERING:SERVER-URI`    200, 400, 410, 429
    GET /v1/steering/dash/{path}   for `<ContentSteering>`                     200, 400, 410, 429

What a manifest says is decided by `choose` and laid out by `steering`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from cdnkit import wire
from cdnkit.service.authority import is_valid_authority
from cdnkit.service.exchange import note
from cdnkit.service.pages import cors_headers, preflight_headers
from geo_router import answers, declared, steering
from geo_router.client_address import Client
from geo_router.measurements import Measurements, network_of
from geo_router.realm import Realm, Reign

HLS_PREFIX: Final = "/v1/steering/hls"
DASH_PREFIX: Final = "/v1/steering/dash"
PATHWAYS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class SteeringDesk:
    """Handlers and what they look things up in."""

    reign: Reign
    measurements: Measurements
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
                web.get(prefix + declared.STEERED, self.get_manifest),
                web.options(prefix + declared.STEERED, self.preflight),
            )
        ]

    @declared.preflight
    async def preflight(self, request: web.Request) -> web.StreamResponse:
        """Players of other origins ask first."""
        return web.Response(status=204, headers=preflight_headers(request.headers))

    @declared.steer
    async def get_manifest(self, request: web.Request) -> web.StreamResponse:
        """The pathways for one player, best first."""
        now, realm = self.now(), self.reign.realm
        settings, families = realm.settings, realm.families
        if not realm.bucket.take(now):
            wait_seconds = realm.bucket.wait_seconds(self.chance())
            raise steering.TooManyRequestsError("Too many players ask now.", wait_seconds)
        kind = "dash" if request.path.startswith(DASH_PREFIX) else "hls"
        query = {name: request.query.getall(name) for name in request.query}
        asked = steering.read_request(kind, query)
        session = asked.session or steering.open_session(now, self.nonce())
        steering.require_open(session, now, settings.steering_session_seconds)
        self.require_polled()
        client = self.client_of(request)
        place = realm.locator.locate(client.address)
        for pathway, bits_per_second in asked.throughputs:
            if any(pathway in fleet for fleet in families.fleets.values()):
                self.measurements.tell(network_of(place), pathway, bits_per_second, now)
        target = answers.target_of_parameter("/" + request.match_info["path"])
        decision = families.choose(client.address, place, answers.object_key(target), PATHWAYS_MAX)
        ttl = steering.ttl_seconds(
            now - families.changed_at,
            settings.steering_shortest_seconds,
            settings.steering_longest_seconds,
        )
        edges = [candidate for candidate in decision.candidates if candidate.site]
        clones_work = realm.edges_are_clones
        if wire.ROUTED_PATHWAY in asked.listed:
            asked, clones_work = _by_router(asked, realm, target)
        body = steering.manifest(
            asked, edges, _way_back(request, realm), session, ttl, clones_work=clones_work
        )
        note(request, edge=body["PATHWAY-PRIORITY"][0], rung=decision.rung.value, session=session)
        return web.json_response(body, headers={"Cache-Control": "no-store", **cors_headers()})


def _by_router(asked: steering.Asked, realm: Realm, target: str) -> tuple[steering.Asked, bool]:
    """What is asked about a playlist with a location by way of the router, and whether edges can
    be its clones: not where a token stands in the path, which that location does not have."""
    if not realm.needs_token(target):
        return asked, realm.router_is_clone
    listed = tuple(each for each in asked.listed if each != wire.ROUTED_PATHWAY)
    return dataclasses.replace(asked, listed=listed), False


def _way_back(request: web.Request, realm: Realm) -> str:
    """The URL of this request without its query, by the name under which we were asked.

    Absolute, because some players resolve it against the playlist, and others not at all.
    """
    if not is_valid_authority(request.host):
        return request.path
    scheme = (realm.node.url or "http:").partition(":")[0]
    return f"{scheme}://{request.host}{request.path}"

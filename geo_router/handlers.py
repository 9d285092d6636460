"""The router's HTTP face: reads requests, asks `choose`, shapes answers.

    ANY     /{object path}   the best edge for it                  302, 307, 200 (JSON list)
    OPTIONS /{object path}   preflight                             204
    GET     /v1/route        the ranked list for a path            200

Nothing is decided here: addresses in `client_address`, places in `locate`, edges in `choose`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import hdrs, web

from cdnkit import wire
from cdnkit.service.exchange import note
from cdnkit.service.pages import preflight_headers
from cdnkit.service.patterns import rest
from geo_router import answers, declared
from geo_router.choose import Decision
from geo_router.client_address import Client, SaidBy, require_address, resolve
from geo_router.counting import Counting
from geo_router.declared import ANSWER_FIELDS, NoEdgeError
from geo_router.realm import Realm, Reign

LIST_LENGTH_MAX: Final = 8
"""Edges in a ranked list: more than a player ever tries."""

_OBJECT: Final = "object_path"
_ALLOWED: Final = (hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS)
OBJECT_ROUTE: Final = f"/{{{_OBJECT}}}"
"""How metrics call the objects' route."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Handlers and what they look things up in."""

    reign: Reign
    counting: Counting
    now: Callable[[], float]

    @property
    def realm(self) -> Realm:
        """What the topology of now makes of this router."""
        return self.reign.realm

    def routes(self) -> list[web.RouteDef]:
        """All of them; the object paths last, because they match everything."""
        return [
            web.get(wire.ROUTE_PATH, self.get_route),
            web.route(hdrs.METH_ANY, "/" + rest(_OBJECT), self.redirect),
        ]

    @declared.redirect
    async def redirect(self, request: web.Request) -> web.StreamResponse:
        """Send the viewer to the best edge with path and query untouched."""
        target = answers.require_object_path(answers.reduce_target(request.raw_path))
        method = request.method
        if method == hdrs.METH_TRACE:
            raise web.HTTPMethodNotAllowed(method, _ALLOWED)
        if method == hdrs.METH_OPTIONS:
            return web.Response(status=204, headers=_preflight(request))
        client = self.client_of(request)
        if answers.prefers_json(request.headers.get(hdrs.ACCEPT, "")):
            return self._list(target, client)
        decision = self._decide(target, client, 1)
        best = decision.candidates[0]
        self.realm.families.count(client.address, best.site, decision.key.encode(), best.edge)
        note(request, edge=best.edge, rung=best.rung.value, place=decision.place.source.value)
        # 307 keeps the method; for reads 302 is understood by the oldest players, too.
        status = 302 if method in (hdrs.METH_GET, hdrs.METH_HEAD) else 307
        where = answers.location(best.url, best.rung, target)
        return web.Response(status=status, headers={"Location": where, **ANSWER_FIELDS})

    @declared.route
    async def get_route(
        self, request: web.Request, query: declared.RouteQuery
    ) -> web.StreamResponse:
        """The ranked list for a path, for this client or for `ip`."""
        target = answers.target_of_parameter(query.path)
        return self._list(target, self.named_client(request, query.ip))

    def require_polled(self) -> None:
        """Raises NoEdgeError until every edge was looked at once."""
        # Before that, "nobody is healthy" would only mean "not yet".
        if not self.realm.families.is_polled:
            raise NoEdgeError("The router has not looked at every edge yet.", 1)

    def _list(self, target: str, client: Client) -> web.Response:
        decision = self._decide(target, client, LIST_LENGTH_MAX)
        return json_answer(answers.route_body(decision, target, client))

    def _decide(self, target: str, client: Client, limit: int) -> Decision:
        place = self.realm.locator.locate(client.address)
        self.realm.gate.check(target, place.country, self.now())
        self.require_polled()
        key = answers.object_key(target)
        decision = self.realm.families.choose(client.address, place, key, limit)
        best = decision.candidates[0] if decision.candidates else None
        site = best.site if best else ""
        square = self.realm.families.chooser(client.address).order(place).square
        self.counting.count(site, decision.rung, place.source, square)
        if best is None:
            settings = self.realm.settings
            seconds = max(1, math.ceil(settings.up_after * settings.probe_interval_seconds))
            raise NoEdgeError("No edge can take viewers now.", seconds)
        return decision

    def client_of(self, request: web.Request) -> Client:
        """Who asks."""
        headers = request.headers
        return resolve(
            request.remote,
            headers.getall(hdrs.FORWARDED, ()),
            headers.getall(hdrs.X_FORWARDED_FOR, ()),
            self.realm.trusted,
        )

    def named_client(self, request: web.Request, named: str | None) -> Client:
        """Who is asked about: `named`, an address, or who asks. Raises BadRequestError."""
        if named is None:
            return self.client_of(request)
        return Client(require_address(named), SaidBy.QUERY)


def _preflight(request: web.Request) -> dict[str, str]:
    return {**preflight_headers(request.headers), "Cache-Control": "no-store"}


def json_answer(body: dict[str, Any]) -> web.Response:
    """JSON that any page may read and nobody stores."""
    return web.json_response(body, headers=ANSWER_FIELDS)

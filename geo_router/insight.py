"""What the router shows of itself: a decision explained, the fleet, and what it sees.

GET /v1/explain        a decision with everything in it      200
GET /v1/fleet          every edge and what we believe of it  200
GET /v1/observations   what we see, for other routers        200
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from cdnkit import wire
from cdnkit.errors import BadRequestError
from geo_router import answers, declared
from geo_router.handlers import Desk, json_answer
from geo_router.observers import OBSERVATIONS_PATH, observations_body
from geo_router.place import Place


@dataclass(frozen=True, slots=True)
class InsightDesk:
    """Handlers beside those of `Desk`, which decides."""

    desk: Desk
    name: str
    measured: Callable[[Place], list[dict[str, Any]]]
    """What players there told of edges."""

    def routes(self) -> list[web.RouteDef]:
        """All three."""
        return [
            web.get(wire.EXPLAIN_PATH, self.get_explain),
            web.get(wire.FLEET_PATH, self.get_fleet),
            web.get(OBSERVATIONS_PATH, self.get_observations),
        ]

    @declared.explain
    async def get_explain(
        self, request: web.Request, query: declared.ExplainQuery
    ) -> web.StreamResponse:
        """A decision as a redirect would make it now, with everything that went into it."""
        target = _target_of(query)
        desk = self.desk
        client = desk.named_client(request, query.ip)
        place = desk.realm.locator.locate(client.address)
        decision = desk.realm.families.explain(client.address, place, answers.object_key(target))
        fleet = desk.realm.families.chooser(client.address).fleet
        body = answers.explain_body(decision, target, client, fleet, desk.realm.locator.database)
        body["offset_bytes"] = query.offset
        body["measured"] = self.measured(place)
        return json_answer(body)

    @declared.fleet
    async def get_fleet(self, request: web.Request) -> web.StreamResponse:
        """Every edge and what we believe of it."""
        now = self.desk.now()
        heard = {
            router: seconds
            for council in self.desk.realm.families.councils.values()
            for router, seconds in council.heard(now).items()
        }
        families = self.desk.realm.families
        body = answers.fleet_body(families.choosers, families.resorts, now, routers_heard=heard)
        return json_answer(body)

    @declared.observations
    async def get_observations(self, request: web.Request) -> web.StreamResponse:
        """What this router sees with its own eyes, for the others to weigh."""
        body = observations_body(self.name, self.desk.realm.families.fleets, self.desk.now())
        return json_answer(body)


def _target_of(query: declared.ExplainQuery) -> str:
    """The target of `path`, or of `title` (an object key). Raises BadRequestError."""
    path = query.path if query.title is None else f"/{query.title}"
    if path is None:
        raise BadRequestError("say a path, or a title")
    return answers.target_of_parameter(path)

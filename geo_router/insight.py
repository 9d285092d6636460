"""What the router shows of itself: a decision explained, the fleet, and what it sees.

GET /v1/explain        a decision with everything in it      200
GET /v1/fleet          every edge and what we believe of it  200
GET /v1/observations   what we see, for other routers        200
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from cdnkit import wire
from cdnkit.errors import BadRequestError
from geo_router import answers
from geo_router.handlers import Desk, json_answer, require_parameter
from geo_router.observers import OBSERVATIONS_PATH, observations_body
from geo_router.place import Place

_OFFSET: Final = re.compile(r"[0-9]{1,18}")


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

    async def get_explain(self, request: web.Request) -> web.Response:
        """A decision as a redirect would make it now, with everything that went into it."""
        target, offset = _asked_for(request)
        desk = self.desk
        client = desk.named_client(request)
        place = desk.locator.locate(client.address)
        decision = desk.families.explain(client.address, place, answers.object_key(target))
        fleet = desk.families.chooser(client.address).fleet
        body = answers.explain_body(decision, target, client, fleet, desk.locator.database)
        body["offset_bytes"] = offset
        body["measured"] = self.measured(place)
        return json_answer(body)

    async def get_fleet(self, request: web.Request) -> web.Response:
        """Every edge and what we believe of it."""
        now = self.desk.now()
        heard = {
            router: seconds
            for council in self.desk.families.councils.values()
            for router, seconds in council.heard(now).items()
        }
        choosers = self.desk.families.choosers
        return json_answer(answers.fleet_body(choosers, now, routers_heard=heard))

    async def get_observations(self, request: web.Request) -> web.Response:
        """What this router sees with its own eyes, for the others to weigh."""
        body = observations_body(self.name, self.desk.families.fleets, self.desk.now())
        return json_answer(body)


def _asked_for(request: web.Request) -> tuple[str, int]:
    """The target of `path`, or of `title` (an object key), and the offset asked about."""
    title = request.query.get("title")
    path = f"/{title}" if title is not None else require_parameter(request, "path")
    offset = request.query.get("offset", "0")
    if not _OFFSET.fullmatch(offset):
        raise BadRequestError("offset must be a number of bytes")
    return answers.target_of_parameter(path), int(offset)

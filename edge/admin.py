"""What an edge answers on its admin port: health, figures, draining, disks, and how titles play.

It describes itself there, as origin and router do. The port belongs to operators: viewers never
reach it, and a proxy in front of the edge does not either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from cdnkit.service.app import build_app
from cdnkit.service.health import Health
from cdnkit.service.metrics import Telemetry
from cdnkit.service.reference import Reference
from edge.diskroom import DisksDesk
from edge.drain import DrainDesk, DrainMark
from edge.players import PlayersDesk
from edge.scoreboard import Tally
from edge.telemetry import EdgeCollector

ABOUT: Final = (
    "The admin port of an edge. On its other port it answers for its origins (RFC 9110, RFC 9111)."
)


@dataclass(frozen=True, slots=True)
class Admin:
    """What the port tells of, and may change.

    `authorize` names the caller or raises; `report` tells how loaded the edge is.
    """

    node: str
    tally: Tally
    mark: DrainMark
    authorize: Callable[[web.Request, str], str]
    health: Health
    report: Callable[[], dict[str, Any]]


def build_admin(admin: Admin) -> web.Application:
    """The application of the port."""
    telemetry = Telemetry("edge", admin.node)
    telemetry.registry.register(EdgeCollector(admin.tally.of_all))
    players = PlayersDesk(admin.node, admin.authorize, admin.tally)
    disks = DisksDesk(admin.node, admin.authorize, lambda: admin.tally.of_all().rooms)
    drain = DrainDesk(admin.node, admin.mark, admin.authorize, admin.report)
    return build_app(
        tier="edge",
        name=admin.node,
        telemetry=telemetry,
        health=admin.health,
        reference=Reference("Cinedge edge", ABOUT),
        routes=[*drain.routes(), *players.routes(), *disks.routes()],
    )

"""A decision is in both accounts, whichever way it was made."""

from __future__ import annotations

from cdnkit.service.app import TELEMETRY
from geo_router.app import build_router
from geo_router.choose import Rung
from geo_router.place import Source
from tests.geo_router.test_handlers import GEO
from tests.geo_router.worlds import edges_of, router_node, topology_of


def test_a_decision_is_a_metric_and_a_route_of_the_map() -> None:
    router = build_router(router_node(), topology_of(edges_of({"nyc": 1}), GEO))
    router.desk.counting.count("nyc", Rung.HEALTHY_IN_SITE, Source.PREFIX, (40, -75), 3)
    router.desk.counting.count("", Rung.NONE, Source.DEFAULT, (50, 10))
    labels = {"site": "nyc", "rung": "healthy-in-site", "source": "prefix"}
    telemetry = router.application[TELEMETRY]
    assert telemetry.value("cinedge_router_decisions_total", **labels) == 3
    (route,) = router.overview.board.flows.body()
    assert (route["site"], route["latitude"], route["longitude"]) == ("nyc", 40, -75)

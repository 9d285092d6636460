"""The router's own series."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from geo_router.choose import Rung
from geo_router.metrics import RouterMetrics
from geo_router.place import Source
from tests.geo_router.worlds import FAILED, READY, edges_of, fleet_of, take_down


def test_decisions_probes_states_and_failures_are_counted() -> None:
    registry = CollectorRegistry()
    metrics = RouterMetrics(registry)
    fleet = fleet_of(edges_of({"fra": 1}))
    for _ in range(2):
        metrics.count_decision("fra", Rung.HEALTHY_IN_SITE, Source.PREFIX)
    metrics.count_probe("fra-0", READY)
    metrics.count_probe("fra-0", FAILED)
    metrics.count_geo_failure("lookup")
    metrics.show_state("fra-0", fleet)
    take_down(fleet, "fra-0")
    metrics.show_state("fra-0", fleet)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    labels = {"site": "fra", "rung": "healthy-in-site", "source": "prefix"}
    assert value("cinedge_router_decisions_total", **labels) == 2
    assert value("cinedge_router_probes_total", edge="fra-0", result="answered") == 1
    assert value("cinedge_router_probes_total", edge="fra-0", result="failed") == 1
    assert value("cinedge_router_probe_seconds_count") == 1
    assert value("cinedge_router_geo_database_failures_total", kind="lookup") == 1
    assert value("cinedge_router_edge_state", edge="fra-0", state="down") == 1
    assert value("cinedge_router_edge_state", edge="fra-0", state="up") == 0
    metrics.forget_state("fra-0")
    assert value("cinedge_router_edge_state", edge="fra-0", state="up") is None
    metrics.count_reload("refused")
    assert value("cinedge_router_topology_reloads_total", result="refused") == 1

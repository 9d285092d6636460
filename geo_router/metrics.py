"""What the router counts, in Prometheus' terms."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from geo_router.choose import Rung
from geo_router.fleet import Fleet, Observation, State
from geo_router.place import Source


class RouterMetrics:
    """The router's own series, registered once per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._decisions = Counter(
            "cinedge_router_decisions",
            "Answers given, by site named, rung of the ladder and source of the place.",
            ("site", "rung", "source"),
            registry=registry,
        )
        self._probes = Counter(
            "cinedge_router_probes",
            "Looks at edges, by edge and result.",
            ("edge", "result"),
            registry=registry,
        )
        self._latency = Histogram(
            "cinedge_router_probe_seconds",
            "How long edges took to answer a probe.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0),
            registry=registry,
        )
        self._states = Gauge(
            "cinedge_router_edge_state",
            "1 for the state an edge is in, 0 for the others.",
            ("edge", "state"),
            registry=registry,
        )
        self._geo_failures = Counter(
            "cinedge_router_geo_database_failures",
            "Times the geo database could not help although one is configured.",
            ("kind",),
            registry=registry,
        )
        self._reloads = Counter(
            "cinedge_router_topology_reloads",
            "New topology files, by what became of them.",
            ("result",),
            registry=registry,
        )
        # `labels` costs more than the count itself; the combinations are few.
        self._children: dict[tuple[str, Rung, Source], Counter] = {}

    def count_decision(self, site: str, rung: Rung, source: Source, times: int = 1) -> None:
        """Answers that named (or failed to name) an edge."""
        key = (site, rung, source)
        child = self._children.get(key)
        if child is None:
            child = self._decisions.labels(site, rung.value, source.value)
            self._children[key] = child
        child.inc(times)

    def count_probe(self, edge: str, seen: Observation) -> None:
        """One look at an edge."""
        self._probes.labels(edge, seen.result.value).inc()
        if seen.latency_seconds is not None:
            self._latency.observe(seen.latency_seconds)

    def count_geo_failure(self, kind: str) -> None:
        """One time the geo database could not help."""
        self._geo_failures.labels(kind).inc()

    def count_reload(self, result: str) -> None:
        """One new topology file."""
        self._reloads.labels(result).inc()

    def forget_state(self, edge: str) -> None:
        """An edge is no longer in the topology."""
        for state in State:
            self._states.remove(edge, state.value)

    def show_state(self, edge: str, fleet: Fleet) -> None:
        """Publish the state of one edge."""
        current = fleet[edge].state
        for state in State:
            self._states.labels(edge, state.value).set(1 if state is current else 0)

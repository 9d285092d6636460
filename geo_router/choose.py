"""Which edges a viewer is sent to, best first, and why.

Sites in the order of `atlas`, inside a site weighted rendezvous hashing of the path, over the
edges that `fleet` believes in; when those run out, down a ladder of lesser choices until nothing
is left. Redirects, ranked lists and explanations all come out of the one walk below. Pure: no
clock, no chance, no I/O.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from cdnkit.placement import Node, rank
from config.topology import EdgeNode, Site
from geo_router.atlas import Atlas, Order
from geo_router.fleet import SERVING, Fleet, Health, State
from geo_router.place import Place


class Rung(enum.Enum):
    """Steps of the fail-open ladder, best first; `NONE` when nobody can serve."""

    HEALTHY_IN_SITE = "healthy-in-site"
    OVERLOADED_IN_SITE = "overloaded-in-site"
    FALLBACK_SITE = "fallback-site"
    NEAREST_HEALTHY = "nearest-healthy"
    OVERLOADED_ELSEWHERE = "overloaded-elsewhere"
    RECOVERING = "recovering"
    NONE = "none"


_WHY = {
    Rung.HEALTHY_IN_SITE: "home site of the viewer",
    Rung.OVERLOADED_IN_SITE: "overloaded, but in the home site of the viewer",
    Rung.FALLBACK_SITE: "in the fallback list of the home site",
    Rung.NEAREST_HEALTHY: "next site by distance",
    Rung.OVERLOADED_ELSEWHERE: "no edge below its capacity is left anywhere",
    Rung.RECOVERING: "no healthy edge is left; this one has begun to answer again",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """An edge that may be named, with the rung it stands on and the reasons for it."""

    edge: str
    url: str
    site: str
    distance_km: float
    rung: Rung
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PassedOver:
    """An edge that may not be named, and why."""

    edge: str
    site: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one place and path; `passed_over` is filled for explanations only."""

    place: Place
    key: str
    candidates: tuple[Candidate, ...]
    passed_over: tuple[PassedOver, ...] = ()

    @property
    def rung(self) -> Rung:
        """The rung of the best candidate."""
        return self.candidates[0].rung if self.candidates else Rung.NONE


@dataclass(frozen=True, slots=True)
class _Pools:
    """The edges of one site by what they are good for, as of one version of the fleet."""

    version: int
    healthy: tuple[Node, ...]
    overloaded: tuple[Node, ...]
    recovering: tuple[Node, ...]


def edge_url(edge: EdgeNode) -> str:
    """How players reach an edge, without a slash at the end."""
    return (edge.url or f"http://{edge.listen}").rstrip("/")


class Chooser:
    """Decides for one topology over one live fleet."""

    def __init__(self, sites: Sequence[Site], edges: Sequence[EdgeNode], fleet: Fleet) -> None:
        self._fleet = fleet
        self._edges = {edge.name: edge for edge in edges}
        self._urls = {edge.name: edge_url(edge) for edge in edges}
        self._atlas = Atlas(sites, {edge.site for edge in edges})
        members: dict[str, list[Node]] = {name: [] for name in self._atlas.names}
        for edge in edges:
            if edge.weight > 0:
                members[edge.site].append(Node(edge.name, edge.weight))
        self._members = tuple(tuple(members[name]) for name in self._atlas.names)
        self._pools: dict[int, _Pools] = {}

    def edge(self, name: str) -> EdgeNode:
        """The record of an edge."""
        return self._edges[name]

    def url(self, name: str) -> str:
        """How players reach an edge."""
        return self._urls[name]

    def choose(self, place: Place, key: str, limit: int = 1) -> Decision:
        """The best `limit` edges for an object key."""
        order = self._atlas.order(place)
        return Decision(place, key, tuple(islice(self._walk(order, key.encode()), limit)))

    def explain(self, place: Place, key: str) -> Decision:
        """The same decision with every edge in it, either as a candidate or passed over."""
        order = self._atlas.order(place)
        candidates = tuple(self._walk(order, key.encode()))
        named = {candidate.edge for candidate in candidates}
        passed_over = tuple(
            PassedOver(edge.name, edge.site, self._objection(edge))
            for edge in self._edges.values()
            if edge.name not in named
        )
        return Decision(place, key, candidates, passed_over)

    def _walk(self, order: Order, key: bytes) -> Iterator[Candidate]:
        if not order.sites:
            return
        home, others = order.sites[0], order.sites[1:]
        fallbacks = others[: order.fallbacks]
        pool = self._pool(home)
        yield from self._rank(order, home, Rung.HEALTHY_IN_SITE, key, pool.healthy)
        yield from self._rank(order, home, Rung.OVERLOADED_IN_SITE, key, pool.overloaded)
        for site in fallbacks:
            healthy = self._pool(site).healthy
            yield from self._rank(order, site, Rung.FALLBACK_SITE, key, healthy)
        for site in others[order.fallbacks :]:
            healthy = self._pool(site).healthy
            yield from self._rank(order, site, Rung.NEAREST_HEALTHY, key, healthy)
        for site in others:
            overloaded = self._pool(site).overloaded
            yield from self._rank(order, site, Rung.OVERLOADED_ELSEWHERE, key, overloaded)
        for site in order.sites:
            recovering = self._pool(site).recovering
            yield from self._rank(order, site, Rung.RECOVERING, key, recovering)

    def _rank(
        self, order: Order, site: int, rung: Rung, key: bytes, nodes: tuple[Node, ...]
    ) -> Iterator[Candidate]:
        if not nodes:
            return
        distance_km = round(self._atlas.distance_km(order, site), 1)
        name = self._atlas.names[site]
        total = len(nodes)
        ranked: Sequence[Node] = rank(key, nodes) if total > 1 else nodes
        for position, node in enumerate(ranked, 1):
            yield Candidate(
                node.name,
                self._urls[node.name],
                name,
                distance_km,
                rung,
                (
                    _WHY[rung],
                    f"place {position} of {total} in {name} for this path",
                    self._fleet[node.name].state.value,
                ),
            )

    def _pool(self, site: int) -> _Pools:
        pools = self._pools.get(site)
        if pools is None or pools.version != self._fleet.version:
            pools = self._pools[site] = self._sort_into_pools(site)
        return pools

    def _sort_into_pools(self, site: int) -> _Pools:
        healthy: list[Node] = []
        overloaded: list[Node] = []
        recovering: list[Node] = []
        for node in self._members[site]:
            health = self._fleet[node.name]
            if health.state in SERVING:
                (overloaded if health.overloaded else healthy).append(node)
            elif health.state is State.RECOVERING:
                recovering.append(node)
        return _Pools(self._fleet.version, tuple(healthy), tuple(overloaded), tuple(recovering))

    def _objection(self, edge: EdgeNode) -> str:
        health: Health = self._fleet[edge.name]
        if edge.weight <= 0:
            return "its weight is 0"
        return f"{health.state.value}: {health.reason}"

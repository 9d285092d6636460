"""The choice as the rules say it, with nothing remembered and nothing left out: an oracle.

Every edge of every site is ranked for every question, and each text is written anew.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from cdnkit.placement import Node, rank
from config.topology import EdgeNode
from geo_router.atlas import Order
from geo_router.choose import _WHY, Candidate, Chooser, Rung, edge_url
from geo_router.fleet import SERVING, Health, State
from geo_router.place import Place
from geo_router.spread import EPSILON, HOT_COUNT, HOT_SHARE, SLACK

Step = tuple[int, EdgeNode, Rung]


class PlainChoice:
    """Looks at the fleet, the atlas and the demand of a chooser, and at nothing it computed."""

    def __init__(
        self, chooser: Chooser, edges: Sequence[EdgeNode], slow_start_seconds: float, now: float
    ) -> None:
        self._chooser, self._edges = chooser, edges
        self._slow_start_seconds, self._now = slow_start_seconds, now

    def candidates(self, place: Place, key: str) -> tuple[Candidate, ...]:
        """All that may be named, last resorts excepted."""
        order, hashed = self._chooser._atlas.order(place), key.encode()
        position: Counter[tuple[int, Rung]] = Counter()
        named = []
        for site, edge, rung in self._steps(order, hashed):
            position[site, rung] += 1
            where = f"place {position[site, rung]} in {edge.site} for this path"
            many = self._owners(site, len(self._members(site)), hashed)
            hot = f", which is hot and has {many} owners" if many > 1 else ""
            named.append(
                Candidate(
                    edge.name,
                    edge_url(edge),
                    edge.site,
                    self._chooser._atlas.distance_km(order, site),
                    rung,
                    (_WHY[rung], where + hot, self._state(self._chooser.fleet[edge.name])),
                )
            )
        return tuple(named)

    def _steps(self, order: Order, key: bytes) -> Iterator[Step]:
        if not order.sites:
            return
        home, others = order.sites[0], order.sites[1:]
        yield from self._healthy(home, key, Rung.HEALTHY_IN_SITE)
        yield from self._laden(home, key, Rung.OVERLOADED_IN_SITE)
        for place, site in enumerate(others):
            near = place < order.fallbacks
            yield from self._healthy(
                site, key, Rung.FALLBACK_SITE if near else Rung.NEAREST_HEALTHY
            )
        for site in others:
            yield from self._laden(site, key, Rung.OVERLOADED_ELSEWHERE)
        for state, rung in ((State.RECOVERING, Rung.RECOVERING), (State.SLOW, Rung.SLOW)):
            for site in order.sites:
                for edge in self._ordered(site, key, partial(_is_in, state)):
                    yield site, edge, rung

    def _healthy(self, site: int, key: bytes, rung: Rung) -> Iterator[Step]:
        for edge in self._ordered(site, key, lambda h: h.state in SERVING and not h.overloaded):
            if not self._is_full(site, edge):
                yield site, edge, rung

    def _laden(self, site: int, key: bytes, rung: Rung) -> Iterator[Step]:
        for edge in self._ordered(site, key, lambda h: h.state in SERVING and not h.overloaded):
            if self._is_full(site, edge):
                yield site, edge, rung
        for edge in self._ordered(site, key, lambda h: h.state in SERVING and h.overloaded):
            yield site, edge, rung

    def _ordered(self, site: int, key: bytes, belongs: Callable[[Health], bool]) -> list[EdgeNode]:
        edges = {e.name: e for e in self._members(site) if belongs(self._chooser.fleet[e.name])}
        nodes = [
            Node(name, edge.weight * self._warmth(self._chooser.fleet[name]))
            for name, edge in edges.items()
        ]
        if not nodes:
            return []
        ranked = rank(key, nodes)
        counts = self._chooser._demand.site(site)
        weight = sum(node.weight for node in nodes)

        def has_room(node: Node) -> bool:
            bound = (1 + EPSILON) * (counts.total * node.weight / weight)
            below = counts.by_edge.get(node.name, 0.0) <= bound + SLACK * self._chooser._demand.gain
            return below and not self._is_full(site, edges[node.name])

        lead = next(filter(has_room, ranked), ranked[0])
        many = self._owners(site, len(ranked), key)
        if many > 1 and len(ranked) > 1:
            busy = {node.name: counts.by_edge.get(node.name, 0.0) / node.weight for node in ranked}
            least = min(ranked[:many], key=lambda node: busy[node.name])
            lead = least if has_room(least) else lead
        rest = [node for node in ranked if node is not lead]
        in_turn = [lead, *filter(has_room, rest), *(node for node in rest if not has_room(node))]
        return [edges[node.name] for node in in_turn]

    def _members(self, site: int) -> list[EdgeNode]:
        name = self._chooser._atlas.names[site]
        return [edge for edge in self._edges if edge.site == name and edge.weight > 0]

    def _owners(self, site: int, nodes: int, key: bytes) -> int:
        demand = self._chooser._demand
        counts = demand.site(site)
        count = counts.by_key.get(key, 0.0)
        if count < HOT_COUNT * demand.gain:
            return 1
        return min(nodes, max(1, math.ceil(count / counts.total * nodes / HOT_SHARE)))

    def _is_full(self, site: int, edge: EdgeNode) -> bool:
        if edge.capacity_per_second <= 0:
            return False
        demand = self._chooser._demand
        limit = demand.limit(edge.capacity_per_second)
        return demand.site(site).by_edge.get(edge.name, 0.0) >= limit

    def _warmth(self, health: Health) -> float:
        if health.warming_since is None or self._slow_start_seconds <= 0:
            return 1.0
        return min(1.0, max(0.05, (self._now - health.warming_since) / self._slow_start_seconds))

    def _state(self, health: Health) -> str:
        told = health.state.value
        if health.overloaded:
            load = health.load if health.load is not None and health.load >= 0.9 else None
            strain = f"{health.failing or 0:.0%} of its answers fail"
            told += f", overloaded ({strain if load is None else f'load {load:.2f}'})"
        share = self._warmth(health)
        return told + (f", warming up at {share:.0%}" if share < 1 else "")


def _is_in(state: State, health: Health) -> bool:
    return health.state is state

"""Which edge of a site takes the next viewer of a title.

Rendezvous hashing names the owner; two things bend it. A hot title has several owners, as many as
its share of the site's demand needs, and the least busy of them takes the viewer. And no edge is
given more than 1 + eps of its fair share while others have room (bounded loads, Mirrokni et al.
2016): the next one in the title's own order takes over. Below a handful of requests neither
applies, because small numbers are noise. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cdnkit.placement import Contest, Node, rank
from geo_router.demand import Demand, SiteDemand

EPSILON: Final = 0.25
SLACK: Final = 32.0
"""Requests (in memory, not per second) that an edge may be ahead of its bound."""

HOT_SHARE: Final = 0.5
"""Of an edge's fair share: how much of it one title may take before it gets another owner."""

HOT_COUNT: Final = 64.0
"""Requests below which no title is hot."""

_RANKS_MAX: Final = 8192


@dataclass(slots=True)
class Pool:
    """Edges of a site that are equally good for a viewer, with what was computed about them."""

    nodes: tuple[Node, ...]
    capacities: dict[str, float] = field(default_factory=dict)
    """Edges with a limit of their own, in viewers per second."""
    weight: float = field(init=False)
    _contest: Contest = field(init=False)
    _owners: dict[bytes, Node] = field(init=False, default_factory=dict)
    _ranks: dict[bytes, Sequence[Node]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.weight = sum(node.weight for node in self.nodes)
        self._contest = Contest(self.nodes)

    def owner(self, key: bytes) -> Node:
        """The first in the title's own order, all that most viewers need of it."""
        node = self._owners.get(key)
        if node is None:
            if len(self._owners) >= _RANKS_MAX:
                self._owners.clear()
            node = self._owners[key] = self._contest.winner(key)
        return node

    def ranked(self, key: bytes) -> Sequence[Node]:
        """The title's own order of the edges; computed once while the pool stays."""
        ranked = self._ranks.get(key)
        if ranked is None:
            if len(self._ranks) >= _RANKS_MAX:
                self._ranks.clear()
            ranked = self._ranks[key] = tuple(rank(key, self.nodes))
        return ranked

    def has_room(self, node: Node, counts: SiteDemand, demand: Demand) -> bool:
        """Whether an edge is below its bound and its capacity."""
        count = counts.by_edge.get(node.name, 0.0)
        slack = SLACK * demand.gain
        if count > slack:
            fair = counts.total * node.weight / self.weight
            if count > (1 + EPSILON) * fair + slack:
                return False
        return not self.capacities or not self.is_full(node, counts, demand)

    def is_full(self, node: Node, counts: SiteDemand, demand: Demand) -> bool:
        """Whether an edge has reached the limit of its own."""
        if not self.capacities:
            return False
        capacity = self.capacities.get(node.name, 0.0)
        return capacity > 0 and counts.by_edge.get(node.name, 0.0) >= demand.limit(capacity)


def owners(key: bytes, nodes: int, counts: SiteDemand, demand: Demand) -> int:
    """How many edges a title belongs to at its present share of the demand."""
    count = counts.by_key.get(key, 0.0)
    if count < HOT_COUNT * demand.gain:
        return 1
    return min(nodes, max(1, math.ceil(count / counts.total * nodes / HOT_SHARE)))


def lead(pool: Pool, key: bytes, counts: SiteDemand, demand: Demand) -> Node:
    """The edge that takes the next viewer. The pool must not be empty."""
    if len(pool.nodes) == 1:
        return pool.nodes[0]
    # Where few ask, no title is hot and no edge ahead of its bound.
    if counts.total <= SLACK * demand.gain and not pool.capacities:
        return pool.owner(key)
    many = owners(key, len(pool.nodes), counts, demand)
    if many > 1:
        by_edge = counts.by_edge
        some = pool.ranked(key)[:many]
        least = min(some, key=lambda node: by_edge.get(node.name, 0.0) / node.weight)
        if pool.has_room(least, counts, demand):
            return least
    owner = pool.owner(key)
    if pool.has_room(owner, counts, demand):
        return owner
    return next((node for node in pool.ranked(key) if pool.has_room(node, counts, demand)), owner)


def order(pool: Pool, key: bytes, counts: SiteDemand, demand: Demand) -> list[Node]:
    """`lead`, then the others in the title's own order, those at their bound last."""
    if not pool.nodes:
        return []
    first = lead(pool, key, counts, demand)
    rest = [node for node in pool.ranked(key) if node is not first]
    return [first, *sorted(rest, key=lambda node: not pool.has_room(node, counts, demand))]

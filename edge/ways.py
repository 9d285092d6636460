"""Where each path leads under one topology: one record, swapped as a whole when another comes.

Nobody meets half of each: routing, the upstreams behind it, the edges that come before them and
the keys by which edges know each other are made together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cdnkit.fields import Pair
from cdnkit.tokens.keys import native_keys
from config.topology import EdgeNode, Topology
from edge.hop import Followed, Hops
from edge.routes import first_of, routing_of, tiers_of, upstreams_of
from edge.routing import Matched, Routing
from edge.upstream.upstreams import Upstreams


@dataclass(frozen=True, slots=True)
class Ways:
    """`upstreams` and `first_of` by the numbers of `routing`; `hops` where edges share a key."""

    routing: Routing
    upstreams: Sequence[Upstreams]
    first_of: Callable[[int, bytes, Sequence[Pair]], Sequence[int]]
    hops: Hops | None

    def behind(self, target: bytes) -> tuple[Matched, Upstreams]:
        """What a target means here, and whom to ask for it."""
        matched = self.routing.match(target)
        return matched, self.upstreams[matched.rule.number]

    def hear(self, feeds: Sequence[Followed]) -> None:
        """How far this edge has heard of changes is seen from these."""
        if self.hops is not None:
            self.hops.feeds = feeds

    def retire(self) -> None:
        """Others have taken over: what is under way ends here, nothing is kept for later."""
        for upstreams in self.upstreams:
            upstreams.retire()

    def close(self) -> None:
        """Close idle connections and turn away who waits for one."""
        for upstreams in self.upstreams:
            upstreams.close()


def ways_of(node: EdgeNode, topology: Topology, now: Callable[[], float]) -> Ways:
    """The ways of an edge. Raises AuthorityError, BadRequestError."""
    keys = native_keys(topology.token_keys)
    hops = Hops(node.name, keys, tiers_of(node, topology).is_asked_for, now) if keys else None
    return Ways(
        routing_of(node, topology),
        upstreams_of(node, topology, now),
        first_of(node, topology),
        hops,
    )


def sources_of(topology: Topology) -> dict[str, tuple[str, ...]]:
    """From which servers the content under each prefix comes, edges of ours aside."""
    own = tuple(origin.url for origin in topology.origins)
    return {route.prefix: route.upstream or own for route in topology.routes}

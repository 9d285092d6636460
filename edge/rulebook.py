"""What a worker goes by that follows from a topology alone, as one record.

Made at the start, and made again for each topology that a running worker takes over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cdnkit.tokens.keys import read_keys
from cdnkit.tokens.verifier import Verifier
from config.topology import EdgeNode, Topology
from edge.access import Access
from edge.bookkeeping import Reporting
from edge.following import identity_of
from edge.load import Capacity
from edge.pacing import Pacer
from edge.server import Limits
from edge.ways import Ways, ways_of


@dataclass(frozen=True, slots=True)
class Rules:
    """Of one worker."""

    ways: Ways
    access: Access
    pacer: Pacer
    limits: Limits
    capacity: Capacity
    repeats_at_once: bool
    """Whether the fast lane may have the first request of a connection."""
    answers_health: bool
    reporting: Reporting

    def parts(self) -> dict[str, Any]:
        """The members of `edge.serve.Parts` that follow from them."""
        hops = self.ways.hops
        return {
            "routing": self.ways.routing,
            "access": self.access,
            "pace": self.pacer.set,
            "admit": None if hops is None else hops.admit,
            "answers_health": self.answers_health,
        }


def rules_of(node: EdgeNode, topology: Topology, now: Callable[[], float]) -> Rules:
    """The rules for one worker of an edge. Raises AuthorityError, BadRequestError."""
    settings = node.settings
    paces = bool(topology.token_keys) or any(route.pacing for route in topology.routes)
    return Rules(
        ways_of(node, topology, now),
        Access(Verifier(read_keys(topology.token_keys))),
        Pacer([route.pacing for route in topology.routes]),
        Limits(
            head_timeout_seconds=settings.head_timeout_seconds,
            idle_timeout_seconds=settings.idle_timeout_seconds,
            write_timeout_seconds=settings.write_timeout_seconds,
            connections_max=settings.connections_max,
        ),
        Capacity(
            node.capacity_bits_per_second,
            settings.connections_max * node.workers,
            node.workers,
        ),
        not paces,
        bool(topology.origins or topology.routers) or node.admin is None,
        Reporting(
            identity_of(node, topology),
            tuple(origin.url for origin in topology.origins),
            topology.costs.report_seconds,
        ),
    )


def grants_of(topology: Topology) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Who may operate: secret -> (name, scopes)."""
    return {each.secret: (each.name, each.scopes) for each in topology.access_tokens}

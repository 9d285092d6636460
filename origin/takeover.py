"""Hands another topology to the parts of a running origin.

An origin takes over who may upload and operate, the keys that sign playback tokens, what it says of
films to caches, where its router is, which edges there are and what bytes cost. Everything else,
above all where bytes lie, stays as it was until a restart (`config.changes`).
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass

import structlog

from cdnkit.service.auth import BearerAuth
from cdnkit.tokens.keys import native_keys
from config.changes import left_as_it_was, taken_over
from config.topology import OriginNode, Topology
from origin.costs.handlers import CostHandlers
from origin.orders.opening import OrderParts
from origin.page_sources import allowed_sources
from origin.shelf import Shelf
from origin.site import Site

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Heirs:
    """The parts. `keys` is looked at whenever a token is signed; the first of them signs."""

    auth: BearerAuth
    shelf: Shelf
    site: Site
    orders: OrderParts
    costs: CostHandlers
    keys: MutableMapping[str, bytes]


class Takeover:
    """Of one origin."""

    def __init__(self, node: OriginNode, topology: Topology, heirs: Heirs) -> None:
        self._node = node
        self._topology = topology
        self._heirs = heirs

    async def adopt(self, node: OriginNode, topology: Topology) -> None:
        """Go on with another topology. Raises CinedgeError, and then nothing has changed."""
        heirs = self._heirs
        names = left_as_it_was(self._node, node)
        if topology.service != self._topology.service:
            names.append("service")
        if names:
            _log.warning("some settings take a restart", settings=names)
        keys = native_keys(topology.token_keys)
        node = taken_over(self._node, node)
        heirs.keys.clear()
        heirs.keys.update(keys)
        heirs.auth.adopt({t.secret: (t.name, t.scopes) for t in topology.access_tokens})
        heirs.shelf.adopt(node.max_age_seconds)
        heirs.site.adopt(node.router_url, allowed_sources(node.router_url, topology))
        heirs.orders.adopt(topology)
        heirs.costs.adopt(topology)
        self._node, self._topology = node, topology
        _log.info("topology adopted", edges=len(topology.edges))

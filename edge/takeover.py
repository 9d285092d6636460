"""Hands another topology to the parts of a running worker, without a connection noticing.

Everything is made first, so that a topology that cannot be used changes nothing; then all
references are swapped in one go, and only then is anything waited for. A request goes on by what it
began with. What a running worker cannot change stays as it is (`config.changes.taken_over`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from cdnkit.service.auth import BearerAuth
from config.changes import left_as_it_was, taken_over
from config.topology import EdgeNode, Topology
from edge.following import Following, Journals, follows_alike
from edge.rulebook import Rules, grants_of, rules_of
from edge.ways import sources_of

_log = structlog.get_logger("edge")


@dataclass(frozen=True, slots=True)
class Heirs:
    """Who takes the rules over. `swap` exchanges all references without waiting for anything."""

    swap: Callable[[Rules, EdgeNode], None]
    distrust: Callable[[], None]
    journals: Journals
    new_journals: Callable[[EdgeNode, Topology], Following]
    auth: BearerAuth


class Takeover:
    """Of one worker."""

    def __init__(
        self, node: EdgeNode, topology: Topology, heirs: Heirs, now: Callable[[], float]
    ) -> None:
        self._node = node
        self._topology = topology
        self._heirs = heirs
        self._now = now

    async def adopt(self, node: EdgeNode, topology: Topology) -> None:
        """Go on with another topology. Raises CinedgeError, and then nothing has changed."""
        before, heirs = self._topology, self._heirs
        if names := left_as_it_was(self._node, node):
            _log.warning("some settings take a restart", settings=names)
        node = taken_over(self._node, node)
        rules = rules_of(node, topology, self._now)
        heirs.swap(rules, node)
        heirs.auth.adopt(grants_of(topology))
        if sources_of(before) != sources_of(topology):
            # Another server may have another film under the same name: ask before serving.
            heirs.distrust()
        self._node, self._topology = node, topology
        if not follows_alike(before, topology):
            await heirs.journals.replace(heirs.new_journals(node, topology))
        rules.ways.hear(heirs.journals.now.feeds)
        _log.info("topology adopted", routes=len(topology.routes), origins=len(topology.origins))

"""The topology file of a running process: which of its nodes the process is, and what it last read.

Knows whether the file has changed since, and gives what was read a short name, by which others can
tell whether two processes go by the same topology. Who looks when is not decided here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

from config.complaints import Complaint, TopologyError, did_you_mean
from config.load import parse_topology, read_content
from config.topology import Node, Topology

Stamp: TypeAlias = tuple[int, int, int] | None
_DIGITS: Final = 16


class NodeFile:
    """The node `name` of the tier `group` (origins, edges, routers) in the file at `path`.

    `digest` names the content that was read last; it is empty before that.
    """

    def __init__(self, path: Path | str, group: str, name: str, environ: Mapping[str, str]) -> None:
        self.path = Path(path)
        self.name = name
        self.digest = ""
        self._group = group
        self._environ = environ
        self._known: Stamp = None

    def stamp(self) -> Stamp:
        """Changes with the file; None when it is not there."""
        try:
            status = os.stat(self.path)
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size, status.st_ino)

    @property
    def known(self) -> Stamp:
        """The stamp before the last reading: what was changed since has another."""
        return self._known

    def read(self, first: Path | None = None) -> tuple[Node, Topology]:
        """This node in the file as it is now. Raises TopologyError.

        A process that is started for a file which is not in place yet reads `first` instead.
        """
        # Before the content: whoever changes it in between is noticed at the next look.
        self._known = self.stamp()
        source = first or self.path
        content = read_content(source)
        folder = str(self.path.resolve().parent)
        topology = parse_topology(content, self._environ, file=str(source), folder=folder)
        node = self._find(topology)
        self.digest = digest_of(content)
        return node, topology

    def _find(self, topology: Topology) -> Node:
        nodes: tuple[Node, ...] = getattr(topology, self._group)
        for node in nodes:
            if node.name == self.name:
                return node
        message = f"names no {self._group.removesuffix('s')} {self.name!r} any more"
        hint = did_you_mean(self.name, [node.name for node in nodes])
        hint = hint or "stop this process, or list it again"
        raise TopologyError([Complaint(str(self.path), 0, 0, self._group, message, hint)])


def digest_of(content: bytes) -> str:
    """The short name of a topology's text."""
    return hashlib.sha256(content).hexdigest()[:_DIGITS]

"""Which files the nodes of a topology write their access logs to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from config.complaints import did_you_mean
from config.topology import Node, OriginNode, Topology
from scripts.cli.errors import UsageError


def log_files(topology: Topology, names: Sequence[str] = ()) -> dict[Path, list[str]]:
    """Files with the names of the nodes that write them; of `names` only, when given.

    Raises UsageError when a node is unknown, or none of them writes a file.
    """
    nodes = {node.name: node for _, node in topology.nodes()}
    for name in names:
        if name not in nodes:
            raise UsageError(f"no node is called {name!r}; {did_you_mean(name, nodes)}")
    files: dict[Path, list[str]] = {}
    for name in names or nodes:
        path = _path(nodes[name])
        if path not in ("", "-"):
            files.setdefault(Path(path), []).append(name)
    if not files:
        whom = ", ".join(names) or "the topology"
        raise UsageError(f"{whom}: no access_log names a file; set one, or read standard input")
    return files


def _path(node: Node) -> str:
    return node.access_log if isinstance(node, OriginNode) else node.settings.access_log

"""A topology file to checked records, or a `TopologyError` that lists everything wrong with it.

Puts together reading, building, the checks between records and what follows from the rest (URLs
made from addresses). The topology file is read in `read_content` alone, files of secrets in
`config.environment`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from config.build import Builder
from config.check import check_topology
from config.complaints import Complaint, TopologyError, nearest
from config.nodes import compose
from config.topology import EdgeNode, OriginNode, RouterNode, Topology

__all__ = ["Complaint", "TopologyError", "apply_defaults", "load_topology", "parse_topology"]

_Node = TypeVar("_Node", OriginNode, EdgeNode, RouterNode)


def load_topology(
    path: Path | str, environ: Mapping[str, str], folder: Path | None = None
) -> Topology:
    """The topology in a file. Raises TopologyError.

    Paths in it start from its directory, or from `folder`, where it is going to stand.
    """
    file = Path(path)
    content = read_content(file)
    base = str(folder or file.resolve().parent)
    return parse_topology(content, environ, file=str(path), folder=base)


def read_content(file: Path) -> bytes:
    """The bytes of a topology file. Raises TopologyError."""
    try:
        return file.read_bytes()
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
        raise TopologyError([Complaint(str(file), 0, 0, "", message, _hint(file))]) from error


def parse_topology(
    content: bytes | str,
    environ: Mapping[str, str],
    *,
    file: str = "topology.yaml",
    folder: str = "",
) -> Topology:
    """The topology in a text. Raises TopologyError.

    `environ` answers secret_env and database_env, by value or by file.
    """
    root = compose(content, file)
    builder = Builder(file, folder, environ)
    topology = builder.topology(root)
    if builder.sound:
        _add_findings(builder, topology)
    if builder.complaints:
        raise TopologyError(sorted(builder.complaints, key=lambda each: (each.line, each.column)))
    return apply_defaults(topology)


def apply_defaults(topology: Topology) -> Topology:
    """The same topology with every URL said: those left empty are made from the address."""
    return dataclasses.replace(
        topology,
        origins=tuple(map(_with_url, topology.origins)),
        edges=tuple(map(_with_url, topology.edges)),
        routers=tuple(map(_with_url, topology.routers)),
    )


def _with_url(node: _Node) -> _Node:
    if node.url:
        return node
    scheme = "http" if node.tls is None else "https"
    return dataclasses.replace(node, url=f"{scheme}://{node.listen}")


def _add_findings(builder: Builder, topology: Topology) -> None:
    """A setting that could not be read has been complained of; what follows from it is noise."""
    unread = tuple(complaint.path for complaint in builder.complaints)
    for finding in check_topology(topology):
        if not any(path.startswith(finding.path) or finding.path == path for path in unread):
            place = builder.place(finding.path)
            builder.complain(place, finding.path, finding.message, finding.hint)


def _hint(file: Path) -> str:
    try:
        names = [each.name for each in file.parent.iterdir()]
    except OSError:
        return "its directory does not exist"
    close = nearest(file.name, names)
    if close and close != file.name:
        return f"did you mean {str(file.with_name(close))!r}?"
    return "give the path of a topology file that you may read"

"""Arguments that several sub-commands share: typed values, and one node of a topology file.

A value on the command line obeys the same declaration as the setting of the same meaning in a
topology, so bounds and grammar are written once.
"""

from __future__ import annotations

import argparse
import os
from argparse import _ArgumentGroup as ArgumentGroup
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from config.check_addresses import is_wildcard
from config.complaints import TopologyError, did_you_mean
from config.load import load_topology
from config.node_file import NodeFile
from config.scalars import read_scalar
from config.shape import fields_of
from config.topology import Address, EdgeNode, OriginNode, RouterNode, Tls, Topology
from config.units import UnitError
from scripts.cli.errors import UsageError

_Node = TypeVar("_Node", OriginNode, EdgeNode, RouterNode)


def like(record: type[Any], name: str) -> Callable[[str], Any]:
    """An argparse type: what the setting `name` of `record` accepts."""
    (field,) = (field for field in fields_of(record) if field.name == name)

    def read(text: str) -> Any:
        try:
            return read_scalar(field, text)
        except UnitError as error:
            hint = f"; {error.hint}" if error.hint else ""
            raise argparse.ArgumentTypeError(f"{text!r}: {error.message}{hint}") from error

    return read


def add_node_arguments(parser: argparse.ArgumentParser, kind: str) -> None:
    """`--topology FILE --name NAME`, the other way to say all of it."""
    group = parser.add_argument_group("from a topology file")
    group.add_argument("--topology", metavar="FILE", help=f"take everything about the {kind} here")
    complete_nodes(
        group.add_argument(
            "--name", help=f"which {kind} of the file; or its name when there is none"
        )
    )


def complete_nodes(action: argparse.Action) -> None:
    """Have shells complete this argument with names of nodes."""
    action.completer = nodes_named  # type: ignore[attr-defined]


def nodes_named(parsed_args: argparse.Namespace, **_: object) -> list[str]:
    """Names of the nodes in the topology that a command line names; none when it is not sound."""
    file = getattr(parsed_args, "topology", None) or getattr(parsed_args, "of", None)
    if file is None:
        return []
    try:
        return [node.name for _, node in load_topology(file, os.environ).nodes()]
    except TopologyError:
        return []


def add_watch_argument(parser: argparse.ArgumentParser) -> None:
    """`--watch FILE`, for processes that take over what changes."""
    parser.add_argument(
        "--watch",
        metavar="FILE",
        help="take changes over from this file instead; --topology will be put in its place",
    )


def refuse_besides_topology(args: argparse.Namespace, names: Sequence[str]) -> None:
    """With a topology, nothing else is said on the command line. Raises UsageError."""
    given = [f"--{name.replace('_', '-')}" for name in names if getattr(args, name) is not None]
    if given:
        raise UsageError(f"--topology already says all of it; remove {', '.join(given)}")


def require(args: argparse.Namespace, names: Sequence[str]) -> None:
    """Raises UsageError unless all of these were given."""
    if getattr(args, "watch", None) is not None:
        raise UsageError("--watch says where the file of --topology is going to stand: give both")
    missing = [f"--{name.replace('_', '-')}" for name in names if getattr(args, name) is None]
    if missing:
        raise UsageError(f"give {' and '.join(missing)}, or --topology FILE --name NAME")


def load_node(
    args: argparse.Namespace,
    kind: str,
    nodes_of: Callable[[Topology], tuple[_Node, ...]],
    environ: Mapping[str, str],
) -> tuple[_Node, Topology]:
    """The named node of the topology file, or its only one. Raises UsageError, TopologyError."""
    topology = load_topology(args.topology, environ)
    nodes = {node.name: node for node in nodes_of(topology)}
    if not nodes:
        raise UsageError(f"{args.topology} lists no {kind}")
    if args.name is None and len(nodes) > 1:
        raise UsageError(f"{args.topology} lists {', '.join(nodes)}: say which with --name")
    name = args.name or next(iter(nodes))
    if name not in nodes:
        hint = did_you_mean(name, nodes)
        raise UsageError(f"{args.topology} has no {kind} named {name!r}" + (hint and f"; {hint}"))
    return nodes[name], topology


def load_node_file(
    args: argparse.Namespace,
    kind: str,
    nodes_of: Callable[[Topology], tuple[_Node, ...]],
    environ: Mapping[str, str],
) -> tuple[_Node, Topology, NodeFile]:
    """As `load_node`, with the file that is to be watched. Raises UsageError, TopologyError."""
    node, _ = load_node(args, kind, nodes_of, environ)
    file = NodeFile(args.watch or args.topology, f"{kind}s", node.name, environ)
    read, topology = file.read(Path(args.topology))
    assert isinstance(read, type(node))
    return read, topology, file


def url_of(listen: Address, *, secure: bool = False) -> str:
    """How others reach a process that was given only an address; empty when that cannot be told."""
    if is_wildcard(listen.host) or listen.port == 0:
        return ""
    return f"{'https' if secure else 'http'}://{listen}"


TLS_ARGUMENTS: Final = ("tls_cert", "tls_key")


def add_tls_arguments(alone: ArgumentGroup) -> None:
    """Adds what a process proves its name with."""
    alone.add_argument(
        "--tls-cert", metavar="FILE", help="take https only: certificate and chain, in PEM"
    )
    alone.add_argument("--tls-key", metavar="FILE", help="the certificate's private key, in PEM")


def tls_from(args: argparse.Namespace) -> Tls | None:
    """What was said by them. Raises UsageError."""
    if args.tls_cert is None and args.tls_key is None:
        return None
    if args.tls_cert is None or args.tls_key is None:
        raise UsageError("--tls-cert and --tls-key belong together: give both or none")
    for path in (args.tls_cert, args.tls_key):
        if not Path(path).is_file():
            raise UsageError(f"there is no file {path}")
    return Tls(str(Path(args.tls_cert).resolve()), str(Path(args.tls_key).resolve()))

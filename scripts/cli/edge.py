"""`cinedge edge`: from arguments or a topology file to a running edge."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from config.caching import Caching
from config.check import check_topology
from config.eviction import Eviction
from config.topology import CacheDisk, EdgeNode, EdgeSettings, Route, Site, Topology
from scripts.cli.arguments import (
    TLS_ARGUMENTS,
    add_node_arguments,
    add_tls_arguments,
    add_watch_argument,
    like,
    load_node_file,
    refuse_besides_topology,
    require,
    tls_from,
    url_of,
)
from scripts.cli.errors import UsageError

_DESCRIPTION = """\
Starts an edge: it answers players from blocks it keeps on disk and fetches what
it lacks from the server behind it. Without a topology it stands in front of any
HTTP server: all paths, all methods, GET and HEAD cached as RFC 9111 allows."""

_EPILOG = """\
examples:
  cinedge edge --listen 127.0.0.1:9000 --pull http://127.0.0.1:8000 --cache ./cache
  cinedge edge --listen 0.0.0.0:80 --pull http://origin.example --cache /srv/cache \\
      --size 500GiB --workers 8 --admin 127.0.0.1:9100
  cinedge edge --listen 0.0.0.0:443 --pull http://origin.example --cache /srv/cache \\
      --tls-cert fullchain.pem --tls-key privkey.pem
  cinedge edge --topology topology.yaml --name edge-fra

then:
  curl -sD- -o /dev/null -r 0-999 http://127.0.0.1:9000/films/film.mp4
  (Cache-Status says hit or miss, and why)"""

_ALONE = (
    "listen",
    "pull",
    "cache",
    "size",
    "workers",
    "admin",
    "block_size",
    "congestion_control",
    "access_log",
    *TLS_ARGUMENTS,
    "profile",
    "policy",
)

Start: TypeAlias = Callable[..., int]
"""Takes a node and its topology, and the file they came from, if any."""


def add_parser(subparsers: Any) -> None:
    """Adds `edge`."""
    parser = subparsers.add_parser(
        "edge",
        help="start an edge: keeps hot blocks close to viewers",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    alone = parser.add_argument_group("stand-alone")
    alone.add_argument(
        "--listen", metavar="HOST:PORT", type=like(EdgeNode, "listen"), help="where it listens"
    )
    alone.add_argument(
        "--pull",
        metavar="URL",
        action="append",
        type=like(Route, "upstream"),
        help="server to fetch from; give it again for others to try in order",
    )
    alone.add_argument("--cache", metavar="DIR", help="keeps the blocks; warm after a restart")
    alone.add_argument(
        "--size", type=like(CacheDisk, "size_bytes"), help="most bytes of blocks (default 10GiB)"
    )
    alone.add_argument(
        "--workers", metavar="N", type=like(EdgeNode, "workers"), help="processes (default 1)"
    )
    alone.add_argument(
        "--admin",
        metavar="HOST:PORT",
        type=like(EdgeNode, "admin"),
        help="where metrics and operator calls are answered",
    )
    alone.add_argument(
        "--block-size",
        metavar="SIZE",
        type=like(EdgeSettings, "block_bytes"),
        help="piece that is cached as a whole, a power of two (default 1MiB)",
    )
    alone.add_argument(
        "--congestion-control", metavar="NAME", help="of client connections, e.g. bbr"
    )
    alone.add_argument("--access-log", metavar="FILE", help="JSON lines; '-' for standard output")
    add_tls_arguments(alone)
    alone.add_argument(
        "--profile",
        metavar="NAME",
        type=like(Caching, "profile"),
        help="cdn (default) or rfc: what RFC 9111 leaves to a cache",
    )
    alone.add_argument(
        "--policy",
        metavar="NAME",
        type=_eviction,
        help="which blocks are kept: lru (default), duel, ...; lru+second for admission",
    )
    add_node_arguments(parser, "edge")
    add_watch_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Runs until stopped."""
    from edge.app import run_edge

    return start(args, os.environ, run_edge)


def start(args: argparse.Namespace, environ: Mapping[str, str], run_edge: Start) -> int:
    """Builds the records and hands them to `run_edge`. Raises UsageError, TopologyError."""
    if args.topology is not None:
        refuse_besides_topology(args, _ALONE)
        return run_edge(*load_node_file(args, "edge", lambda all_: all_.edges, environ))
    require(args, ("listen", "pull", "cache"))
    topology = _alone(args)
    return run_edge(topology.edges[0], topology)


def _eviction(text: str) -> Eviction:
    policy, plus, admission = text.partition("+")
    return Eviction(
        like(Eviction, "policy")(policy),
        like(Eviction, "admission")(admission) if plus else "all",
    )


def _alone(args: argparse.Namespace) -> Topology:
    default = EdgeSettings()
    settings = EdgeSettings(
        block_bytes=args.block_size or default.block_bytes,
        congestion_control=args.congestion_control or "",
        access_log=args.access_log or "",
        caching=Caching(args.profile or default.caching.profile),
        eviction=args.policy or default.eviction,
    )
    path = str(Path(args.cache).resolve())
    disk = CacheDisk(path) if args.size is None else CacheDisk(path, args.size)
    node = EdgeNode(
        name=args.name or "edge",
        site="local",
        listen=args.listen,
        disks=(disk,),
        admin=args.admin,
        tls=tls_from(args),
        url=url_of(args.listen, secure=args.tls_cert is not None),
        workers=args.workers or 1,
        settings=settings,
    )
    topology = Topology(
        sites=(Site("local", 0.0, 0.0),),
        edges=(node,),
        routes=(Route(prefix="/", upstream=tuple(args.pull)),),
        edge_settings=settings,
    )
    for finding in check_topology(topology):
        if finding.path.endswith(".url"):  # only others in a topology would need it
            continue
        hint = f"; {finding.hint}" if finding.hint else ""
        raise UsageError(f"{finding.path.rpartition('.')[2]}: {finding.message}{hint}")
    return topology

"""`cinedge router`: from arguments or a topology file to a running geo router."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from config.topology import Address, EdgeNode, RouterNode, RouterSettings, Site, Topology
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
Starts a geo router: it watches the edges, places each viewer by address, and
answers with the best healthy edge (302, or a ranked list at /v1/route).
Without a topology all edges stand in one site and share its viewers."""

_EPILOG = """\
examples:
  cinedge router --listen 127.0.0.1:8080 --edges http://127.0.0.1:9001,http://127.0.0.1:9002
  cinedge router --topology topology.yaml --name router-1

then:
  curl -si http://127.0.0.1:8080/films/film.mp4
  curl -s 'http://127.0.0.1:8080/v1/route?path=/films/film.mp4'"""

_ALONE = ("listen", "edges", "access_log", *TLS_ARGUMENTS)

Start: TypeAlias = Callable[..., int]
"""Takes a node and its topology, and the file they came from, if any."""


def add_parser(subparsers: Any) -> None:
    """Adds `router`."""
    parser = subparsers.add_parser(
        "router",
        help="start a geo router: sends each viewer to the best edge",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    alone = parser.add_argument_group("stand-alone")
    alone.add_argument(
        "--listen", metavar="HOST:PORT", type=like(RouterNode, "listen"), help="where it listens"
    )
    alone.add_argument("--edges", metavar="URL,URL", help="how players reach the edges")
    alone.add_argument("--access-log", metavar="FILE", help="JSON lines; '-' for standard output")
    add_tls_arguments(alone)
    add_node_arguments(parser, "router")
    add_watch_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Runs until stopped."""
    from geo_router.app import run_router

    return start(args, os.environ, run_router)


def start(args: argparse.Namespace, environ: Mapping[str, str], run_router: Start) -> int:
    """Builds the records and hands them to `run_router`. Raises UsageError, TopologyError."""
    if args.topology is not None:
        refuse_besides_topology(args, _ALONE)
        return run_router(*load_node_file(args, "router", lambda all_: all_.routers, environ))
    require(args, ("listen", "edges"))
    topology = _alone(args)
    return run_router(topology.routers[0], topology)


def _alone(args: argparse.Namespace) -> Topology:
    settings = RouterSettings(access_log=args.access_log or "")
    node = RouterNode(
        name=args.name or "router",
        listen=args.listen,
        tls=tls_from(args),
        url=url_of(args.listen, secure=args.tls_cert is not None),
        settings=settings,
    )
    return Topology(
        sites=(Site("local", 0.0, 0.0),),
        edges=tuple(_edges(args.edges.split(","))),
        routers=(node,),
        router_settings=settings,
    )


def _edges(urls: list[str]) -> list[EdgeNode]:
    read = like(EdgeNode, "url")
    edges: list[EdgeNode] = []
    for number, text in enumerate(urls, start=1):
        try:
            url = read(text.strip()).rstrip("/")
        except argparse.ArgumentTypeError as error:
            raise UsageError(f"--edges: {error}") from error
        if any(url == edge.url for edge in edges):
            raise UsageError(f"--edges: {url} is listed twice")
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        listen = Address(parts.hostname or "", port)
        edges.append(EdgeNode(f"edge-{number}", "local", listen, disks=(), url=url))
    return edges

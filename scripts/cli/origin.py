"""`cinedge origin`: from arguments or a topology file to a running origin."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from config.check import TOKEN_LENGTH_MIN, check_topology
from config.check_addresses import is_loopback
from config.topology import AccessToken, OriginNode, Topology, Volume
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
Starts an origin: it takes films in by PUT, keeps them in extents on its disks,
and answers edges and players with HTTP ranges.

On a loopback address it takes uploads without a token. On any other address it
starts only with one, because everybody who reaches it could write to it."""

_EPILOG = """\
examples:
  cinedge origin --listen 127.0.0.1:8000 --data ./data
  CINEDGE_TOKEN=... cinedge origin --listen 0.0.0.0:8000 --data /srv/films \\
      --token-env CINEDGE_TOKEN --size 2TB
  cinedge origin --topology topology.yaml --name origin-1

then:
  curl -T film.mp4 http://127.0.0.1:8000/v1/content/films/film.mp4
  cinedge ingest film.mp4 --to http://127.0.0.1:8000"""

_ALONE = ("listen", "data", "size", "token_env", "token_file", "access_log", *TLS_ARGUMENTS)

Start: TypeAlias = Callable[..., int]


def add_parser(subparsers: Any) -> None:
    """Adds `origin`."""
    parser = subparsers.add_parser(
        "origin",
        help="start an origin: takes films in and keeps them",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    alone = parser.add_argument_group("stand-alone")
    alone.add_argument(
        "--listen", metavar="HOST:PORT", type=like(OriginNode, "listen"), help="where it listens"
    )
    alone.add_argument("--data", metavar="DIR", help="keeps films and catalog")
    alone.add_argument(
        "--size",
        type=like(Volume, "size_bytes"),
        help="most bytes of films, e.g. 500GiB; without it, what the file system has",
    )
    alone.add_argument(
        "--token-env", metavar="NAME", help="environment variable with the bearer token"
    )
    alone.add_argument("--token-file", metavar="FILE", help="file with the bearer token")
    alone.add_argument("--access-log", metavar="FILE", help="JSON lines; '-' for standard output")
    add_tls_arguments(alone)
    add_node_arguments(parser, "origin")
    add_watch_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Runs until stopped."""
    from origin.app import run_origin

    return start(args, os.environ, run_origin)


def start(args: argparse.Namespace, environ: Mapping[str, str], run_origin: Start) -> int:
    """Builds the records and hands them to `run_origin`. Raises UsageError, TopologyError."""
    if args.topology is not None:
        refuse_besides_topology(args, _ALONE)
        node, topology, file = load_node_file(args, "origin", lambda all_: all_.origins, environ)
    else:
        file = None
        require(args, ("listen", "data"))
        topology = _alone(args, _token(args, environ))
        node = topology.origins[0]
    open_uploads = is_loopback(node.listen.host) and not topology.access_tokens
    if open_uploads:
        print(
            f"cinedge: {node.listen} is a loopback address: uploads need no token", file=sys.stderr
        )
    return run_origin(node, topology, file, open_uploads=open_uploads)


def _alone(args: argparse.Namespace, token: AccessToken | None) -> Topology:
    data = str(Path(args.data).resolve())
    # The directory an origin uses by itself, so that --size may be added later.
    volume = Volume(name="data", path=f"{data}/volume", size_bytes=args.size or 0)
    node = OriginNode(
        name=args.name or "origin",
        listen=args.listen,
        data=data,
        tls=tls_from(args),
        url=url_of(args.listen, secure=args.tls_cert is not None),
        volumes=(volume,) if args.size else (),
        access_log=args.access_log or "",
    )
    tokens = (token,) if token is not None else ()
    topology = Topology(origins=(node,), access_tokens=tokens)
    if not tokens and not is_loopback(node.listen.host):
        raise UsageError(
            f"{node.listen} can be reached by others, who could all upload: "
            "give --token-env NAME or --token-file FILE, or listen on 127.0.0.1"
        )
    for finding in check_topology(topology):
        if finding.path.startswith("access_tokens"):
            raise UsageError(f"token: {finding.message}; {finding.hint}")
    return topology


def _token(args: argparse.Namespace, environ: Mapping[str, str]) -> AccessToken | None:
    if args.token_env is not None and args.token_file is not None:
        raise UsageError("give --token-env or --token-file, not both")
    if args.token_env is not None:
        secret = environ.get(args.token_env, "")
        source = f"environment variable {args.token_env}"
    elif args.token_file is not None:
        source = args.token_file
        try:
            secret = Path(args.token_file).read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--token-file {args.token_file}: {error}") from error
    else:
        return None
    if not secret:
        raise UsageError(f"{source} holds no token of at least {TOKEN_LENGTH_MIN} characters")
    return AccessToken(
        "command-line", ("upload", "purge", "operate", "edge", "admin"), secret=secret
    )

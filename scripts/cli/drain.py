"""`cinedge drain`: keeps new viewers away from an edge while those that watch go on."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from cdnkit.service.certificates import believing
from cdnkit.wire import DRAIN_PATH
from config.check_addresses import admin_url
from config.topology import EdgeNode
from scripts.cli.arguments import add_node_arguments, like, load_node
from scripts.cli.errors import FailedError, UsageError
from scripts.cli.ingest import token_headers

_PAUSE_SECONDS: Final = 1.0

_DESCRIPTION = """\
Asks an edge to take no new viewers: routers leave it out within a second, content
steering moves the players that listen to it, the others finish what they watch.
It stays drained, across restarts too, until `cinedge undrain`."""

_EPILOG = """\
examples:
  cinedge drain --admin http://127.0.0.1:9100
  cinedge drain --topology topology.yaml --name edge-fra --wait 600
  cinedge undrain --topology topology.yaml --name edge-fra

The edge needs an `admin` address. The token (scope `operate`) is taken from
CINEDGE_TOKEN when --token-env names no other variable; an installation without
tokens lets in everyone on the edge's own machine."""


def add_parser(subparsers: Any) -> None:
    """Adds `drain`."""
    parser = add_drain_parser(subparsers, "drain", "keep new viewers away from an edge")
    parser.add_argument(
        "--wait",
        metavar="SECONDS",
        type=float,
        default=0.0,
        help="wait so long for the answers under way to end; exit code 1 if some still run",
    )


def add_drain_parser(subparsers: Any, name: str, summary: str) -> argparse.ArgumentParser:
    """A parser of either command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=summary,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--admin", metavar="URL", type=like(EdgeNode, "url"), help="of the edge")
    parser.add_argument("--token-env", metavar="NAME", help="environment variable with the token")
    parser.add_argument("--json", action="store_true", help="print the edge's whole answer")
    add_node_arguments(parser, "edge")
    return parser


def run(args: argparse.Namespace) -> int:
    """Asks, and waits when told to. Raises UsageError, TopologyError, FailedError."""
    with client_of(args, os.environ) as client:
        state = ask(client, "PUT")
        until = time.monotonic() + args.wait
        while state.get("streams", 0) and time.monotonic() < until:
            time.sleep(_PAUSE_SECONDS)
            state = ask(client, "GET")
    show(state, args.json, print)
    return 1 if args.wait and state.get("streams", 0) else 0


def client_of(args: argparse.Namespace, environ: Mapping[str, str]) -> httpx.Client:
    """A client of the edge's admin address.

    Of an edge in a topology it believes the authorities named there, of an address the system's.
    Raises UsageError, TopologyError, AuthorityError.
    """
    if (args.admin is None) == (args.topology is None):
        raise UsageError("give either --admin URL or --topology FILE --name NAME")
    url, authorities = args.admin, ""
    if url is None:
        node, topology = load_node(args, "edge", lambda topology: topology.edges, environ)
        if node.admin is None:
            raise UsageError(f"{args.topology}: edge {node.name} has no admin address")
        url, authorities = admin_url(node), topology.authorities
    headers = token_headers(args.token_env, environ)
    return httpx.Client(base_url=url, headers=headers, timeout=10, verify=believing(authorities))


def ask(client: httpx.Client, method: str) -> dict[str, Any]:
    """What the edge says of its drain. Raises FailedError."""
    try:
        answer = client.request(method, DRAIN_PATH)
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise FailedError(f"{client.base_url}: {error or type(error).__name__}") from error
    if answer.status_code != 200 or not isinstance(body, dict):
        detail = body.get("detail") if isinstance(body, dict) else None
        raise FailedError(f"{client.base_url}: {detail or f'answered {answer.status_code}'}")
    return body


def show(state: Mapping[str, Any], as_json: bool, say: Callable[[str], None]) -> None:
    """Tells the state, for people or programs."""
    if as_json:
        say(json.dumps(state, indent=2))
        return
    word = "draining" if state["draining"] else "taking viewers"
    streams = state.get("streams", 0)
    say(f"{state['node']}: {word}, {streams} answers under way")

"""`cinedge token`: gives a playback token, and tells what one claims and whether it is allowed.

Keys come from a topology and are never printed.
"""

from __future__ import annotations

import argparse
import dataclasses
import ipaddress
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from cdnkit.tokens import Claims, TokenError, check_claims, sign
from cdnkit.tokens.keys import native_keys, read_keys
from cdnkit.tokens.verifier import Verifier
from config.load import load_topology
from config.topology import Topology
from config.units import UnitError, parse_duration
from scripts.cli.errors import UsageError

_DESCRIPTION = """\
Gives playback tokens signed with the first native key of a topology, and shows
what a token of any dialect claims and whether it would be allowed."""

_EPILOG = """\
examples:
  cinedge token mint --topology topology.yaml --path /films/a/ --for 2h
  cinedge token mint --topology topology.yaml --path /films/a/ --for 2h \\
      --network 2001:db8::/64 --country DE --country FR --ends-streams
  cinedge token show TOKEN --topology topology.yaml --path /films/a/index.m3u8

A path that ends in / admits all below it. A token stands before the path, as in
/~TOKEN/films/a/index.m3u8, or behind it, as in ?token=TOKEN.
exit codes: 0 done or allowed, 1 refused, 2 wrong arguments or configuration."""


def add_parser(subparsers: Any) -> None:
    """Adds `token`."""
    parser = subparsers.add_parser(
        "token",
        help="give a playback token; show what one allows",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(title="what to do", metavar="mint|show", dest="what")
    kinds.required = True
    mint = kinds.add_parser("mint", help="give a token")
    _add_topology(mint)
    mint.add_argument("--path", required=True, help="the path, or the prefix with its slash")
    mint.add_argument(
        "--for",
        dest="seconds",
        type=_duration,
        default="1h",
        metavar="TIME",
        help="how long it holds (default: 1h)",
    )
    mint.add_argument("--network", default="", metavar="CIDR", help="viewers of this network only")
    mint.add_argument("--country", action="append", default=[], metavar="CC", help="repeat")
    mint.add_argument("--session", default="", help="a name for logs")
    mint.add_argument("--ends-streams", action="store_true", help="cut what is under way, too")
    show = kinds.add_parser("show", help="tell what a token allows")
    show.add_argument("token", metavar="TOKEN", help="as it stands in a URL")
    _add_topology(show)
    show.add_argument("--path", help="the path to judge it for")
    show.add_argument("--url", help="the whole URL, for tokens that are bound to one")
    show.add_argument("--ip", help="the viewer's address")
    show.add_argument("--country", metavar="CC", help="where the viewer is")


def run(
    args: argparse.Namespace,
    environ: Mapping[str, str] = os.environ,
    now: Callable[[], float] = time.time,
) -> int:
    """Prints a token, or what one allows. Raises UsageError, TopologyError, BadRequestError."""
    topology = load_topology(args.topology, environ)
    if args.what == "mint":
        sys.stdout.write(mint(args, topology, now()) + "\n")
        return 0
    lines, allowed = show(args, topology, now())
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if allowed else 1


def mint(args: argparse.Namespace, topology: Topology, now: float) -> str:
    """A token. Raises UsageError, BadRequestError."""
    keys = native_keys(topology.token_keys)
    if not keys:
        raise UsageError(f"{args.topology} lists no native key under token_keys")
    claims = Claims(
        next(iter(keys)),
        args.path,
        int(now + args.seconds),
        session=args.session,
        client_prefix=_network(args.network),
        countries=tuple(each.upper() for each in args.country),
        ends_streams=args.ends_streams,
    )
    return sign(claims, keys)


def show(args: argparse.Namespace, topology: Topology, now: float) -> tuple[list[str], bool]:
    """What a token claims, one line each, and whether it is allowed. Raises BadRequestError."""
    try:
        claims = Verifier(read_keys(topology.token_keys)).open(args.token)
    except TokenError as error:
        return [f"refused: {error.reason.value}: {error.detail}"], False
    lines = _lines(claims, now)
    try:
        path = args.path if args.path is not None else claims.path_prefix
        judges = args.country is not None
        check_claims(claims, path, now, args.ip, args.country, judges_country=judges, url=args.url)
    except TokenError as error:
        return [*lines, f"refused: {error.reason.value}: {error.detail}"], False
    return [*lines, f"allowed for {path}"], True


def _lines(claims: Claims, now: float) -> list[str]:
    """The claims that say something, by name."""
    said = {
        field.name: getattr(claims, field.name)
        for field in dataclasses.fields(claims)
        if getattr(claims, field.name) != field.default
    }
    rules = [f"{each.part.name} {each.match.name} {each.value}" for each in claims.rules]
    if rules:
        said["rules"] = rules
    lines = [f"{name}: {json.dumps(value)}" for name, value in said.items()]
    left = claims.expires_at - now
    lines.append(f"ends in {left:.0f} s" if left > 0 else f"ended {-left:.0f} s ago")
    return lines


def _network(text: str) -> str:
    if not text:
        return ""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise UsageError(f"--network {text}: {error}") from None


def _duration(text: str) -> float:
    try:
        return parse_duration(text)
    except UnitError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error.message}; {error.hint}") from error


def _add_topology(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--topology", required=True, metavar="FILE", help="where the keys are")

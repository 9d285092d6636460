"""The arguments of `scripts/bench`, and the plan they ask for."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any, Final

from scripts.benchmark.measures import MEASURES, Kind, kinds, parse_names
from scripts.benchmark.peers import PEERS, SECURE_PEERS, installed
from scripts.benchmark.plan import QUICK, SMOKE, Plan
from scripts.cli.errors import UsageError

_SIZES: Final = {"full": Plan(), "quick": QUICK, "smoke": SMOKE}

HITS: Final = tuple(each for each in MEASURES.values() if each.kind is Kind.HIT)

_DESCRIPTION: Final = """\
Measures Cinedge beside other servers on this machine, in interleaved rounds, and prints medians
and ratios. Every answer is checked. Ratios of CPU time are what to read: they move least when
something else runs. docs/benchmarks.md says what is measured and how."""
_EPILOG: Final = "measures:\n" + "\n".join(
    f"  {name}  {each.what} ({each.kind.value})" for name, each in MEASURES.items()
)


def make_parser() -> argparse.ArgumentParser:
    """The arguments."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    return parser


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All of them, on a parser of somebody else's."""
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--quick",
        dest="size",
        action="store_const",
        const="quick",
        default="full",
        help="under a minute, beside nginx only",
    )
    size.add_argument(
        "--smoke",
        dest="size",
        action="store_const",
        const="smoke",
        help="seconds; shows that each measure works, the figures mean nothing",
    )
    parser.add_argument("--only", metavar="W1,W2", help="these measures (default: all)")
    parser.add_argument(
        "--peers", metavar="NAMES", help=f"of {', '.join(PEERS)}; '' for none (default: all here)"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of warm measures")
    parser.add_argument("--cold-rounds", type=int, metavar="N", help="rounds of cold measures")
    parser.add_argument("--seconds", type=float, metavar="S", help="length of one warm run")
    parser.add_argument("--connections", type=int, metavar="N", help="of the client at once")
    parser.add_argument(
        "--workers", type=int, metavar="N", help="of each server; more than 1 pins nothing"
    )
    parser.add_argument(
        "--client", choices=("loadgen", "wrk"), help="who asks for hits (default loadgen; wrk: TLS)"
    )
    parser.add_argument(
        "--tls", action="store_true", help="hits over https, asked for by wrk, beside nginx"
    )
    parser.add_argument(
        "--tokens", action="store_true", help="hits carry a playback token, which our edge checks"
    )
    parser.add_argument("--netns", action="store_true", help="in a network namespace (root)")
    parser.add_argument("--cc", metavar="NAME", default="", help="congestion control; with --netns")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything here")
    parser.add_argument(
        "--record", action="store_true", help="add rows to docs/benchmarks.md, JSON to docs/bench"
    )


def make_plan(args: argparse.Namespace) -> Plan:
    """The plan that arguments ask for. Raises UsageError."""
    plan = _SIZES[args.size]
    changes: dict[str, Any] = {"peers": _peers(args)}
    if args.tls or args.client == "wrk":
        changes |= {"client": "wrk", "secure": args.tls, "measures": HITS}
    if args.tls and args.client == "loadgen":
        raise UsageError("--client loadgen does not speak TLS")
    if args.tokens:
        changes |= {"tokens": True, "measures": HITS}
    if args.tokens and args.tls:
        raise UsageError("--tokens and --tls are measured one at a time")
    if args.only is not None:
        changes["measures"] = parse_names(args.only)
    for name in ("rounds", "cold_rounds", "seconds", "connections", "workers"):
        value = getattr(args, name)
        if value is not None:
            if value <= 0:
                raise UsageError(f"--{name.replace('_', '-')} must be more than 0")
            changes[name] = value
    made = dataclasses.replace(plan, **changes)
    if (made.tokens or made.client == "wrk") and kinds(made.measures) != {Kind.HIT}:
        said = "--tokens asks" if made.tokens else "wrk asks"
        raise UsageError(f"{said} for hits only: {', '.join(each.name for each in HITS)}")
    return made


def _peers(args: argparse.Namespace) -> tuple[str, ...]:
    here = installed()
    if args.tls:
        named = args.peers or ",".join(name for name in SECURE_PEERS if name in here)
        args.peers = "" if args.peers == "" else named
        if any(name not in SECURE_PEERS for name in filter(None, args.peers.split(","))):
            raise UsageError(f"over TLS there is only {', '.join(SECURE_PEERS)}")
    if args.peers is None:
        return {"full": here, "quick": tuple(n for n in here if n == "nginx")}.get(args.size, ())
    names = tuple(name for name in args.peers.split(",") if name)
    for name in names:
        if name not in PEERS:
            raise UsageError(f"no peer is called {name}; there are {', '.join(PEERS)}")
        if name not in here:
            raise UsageError(f"{name} is not installed ({PEERS[name].program} is not found)")
    return names

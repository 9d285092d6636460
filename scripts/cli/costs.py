"""`cinedge costs`: bytes of each title, edge or day, and what they cost."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from cdnkit.wire import COSTS_PATH
from config.load import load_topology
from config.topology import OriginNode
from scripts.change.command import RUNNING
from scripts.cli.arguments import like
from scripts.cli.errors import FailedError, UsageError
from scripts.cli.giving import ask, client_at

_DESCRIPTION = """\
Asks an origin for the bytes that its edges have reported, and multiplies them with
the prices of its topology. Bytes that belong to no title, such as errors and probes
of routers, have a line of their own, so that the sum is what access logs say."""

_EPILOG = """\
examples:
  cinedge costs                                    30 days, of the installation of `cinedge up`
  cinedge costs --from 2026-11-01 --to 2026-11-30 --csv november.csv
  cinedge costs --by edge --of topology.yaml
  cinedge costs --by day --at https://origin.example --token-env OPS

Days are of UTC, the last is included. fill: received into blocks. What edges have sent
is there once they have reported (costs.report_seconds). With --csv the file has every
line, and bytes by kind. exit codes: 0 done, 1 the origin did not answer, 2 wrong
arguments or topology."""

_NOBODY: Final = "(no title)"


def add_parser(subparsers: Any) -> None:
    """Adds `costs`."""
    parser = subparsers.add_parser(
        "costs",
        help="what titles, edges or days cost",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--from", dest="first", metavar="DAY", type=_day, help="first day")
    parser.add_argument("--to", dest="last", metavar="DAY", type=_day, help="last day: today")
    parser.add_argument(
        "--by",
        choices=("title", "edge", "day"),
        default="title",
        help="what a line is (default: %(default)s)",
    )
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write all lines to a CSV file")
    parser.add_argument(
        "--count", metavar="N", type=int, default=20, help="most lines (default: %(default)d)"
    )
    parser.add_argument(
        "--of",
        metavar="FILE",
        type=Path,
        default=RUNNING,
        help="the topology whose first origin is asked (default: %(default)s)",
    )
    parser.add_argument(
        "--at", metavar="URL", type=like(OriginNode, "url"), help="ask this origin instead"
    )
    parser.add_argument(
        "--token-env", metavar="NAME", help="environment variable with the bearer token"
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(args: argparse.Namespace) -> int:
    """Prints the table. Raises UsageError, FailedError, TopologyError."""
    if args.count < 1:
        raise UsageError("--count is at least 1")
    query = {"by": args.by, "limit": str(args.count)}
    query |= {} if args.first is None else {"from": args.first}
    query |= {} if args.last is None else {"to": args.last}
    with client_at(_origin(args), args.token_env, os.environ) as client:
        said = ask(client, "GET", COSTS_PATH, params=query).json()
        if args.csv is not None:
            del query["limit"]
            _write(args.csv, ask(client, "GET", COSTS_PATH + ".csv", params=query).content)
    if args.json:
        print(json.dumps(said, indent=2))
    else:
        _print(said, Console())
    return 0


def table_of(said: Mapping[str, Any]) -> Table:
    """The rows that were said, with the total below."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_footer=True)
    total = said["total"]
    table.add_column(said["by"], overflow="fold", footer="all")
    figures = _figures(total)
    for name, footer in zip(("viewers", "shield", "origin", "fill"), figures, strict=True):
        table.add_column(name, justify="right", no_wrap=True, footer=footer)
    table.add_column(
        said["currency"], justify="right", no_wrap=True, footer=f"{total['cost']:,.2f}"
    )
    for row in said["items"]:
        name = escape(row["key"]) or (_NOBODY if said["by"] == "title" else "")
        table.add_row(name, *_figures(row), f"{row['cost']:,.2f}")
    return table


def _figures(row: Mapping[str, Any]) -> tuple[str, ...]:
    fill = row["fill_miss_bytes"] + row["fill_warm_bytes"] + row["fill_placement_bytes"]
    sizes = (row["edge_bytes"], row["shield_bytes"], row["origin_bytes"], fill)
    return tuple(decimal(size) if size else "-" for size in sizes)


def _print(said: Mapping[str, Any], console: Console) -> None:
    console.print(f"costs by {said['by']}, {said['from']} to {said['to']}", highlight=False)
    console.print()
    if not said["items"]:
        console.print("Nothing was reported.")
        return
    console.print(table_of(said))
    if said["left_out"]:
        console.print(f"{said['left_out']} more lines are in the sum only.", highlight=False)


def _origin(args: argparse.Namespace) -> str:
    if args.at:
        return str(args.at)
    topology = load_topology(args.of, os.environ)
    if not topology.origins:
        raise UsageError(f"{args.of} has no origin; name one with --at")
    return topology.origins[0].url


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise FailedError(f"{path} cannot be written: {error.strerror}") from error


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        message = f"{text!r} is no day; days are written as 2026-11-29"
        raise argparse.ArgumentTypeError(message) from None

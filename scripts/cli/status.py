"""`cinedge status`: every process of an installation in one table."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from rich.console import Console

from config.load import load_topology, read_content
from config.node_file import digest_of
from scripts.change.command import RUNNING
from scripts.overview.judging import Row, judge
from scripts.overview.looking import TIMEOUT_SECONDS, look
from scripts.overview.show import as_json, table_of, told_of

_DESCRIPTION = """\
Asks every process of a topology at once and says of each: may traffic come, how
busy it is, what it sends, how much of it it had at hand, what it holds, what runs
there, and what is wrong: no answer, a failing check, routers that send nobody, another
topology file, too much load."""

_EPILOG = """\
examples:
  cinedge status                              the installation of `cinedge up`
  cinedge status --of .cinedge/service.yaml   that with the film service
  cinedge status --of topology.yaml
  cinedge status --of topology.yaml --json
  until cinedge status --quiet ; do sleep 1 ; done

hits: share of the bytes sent since the start that were at hand. An edge without an
`admin` address tells less. exit codes: 0 all is well, 1 something is not (named in
red), 2 wrong arguments or topology."""


def add_parser(subparsers: Any) -> None:
    """Adds `status`."""
    parser = subparsers.add_parser(
        "status",
        help="every process of an installation in one table",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--of",
        metavar="FILE",
        type=Path,
        default=RUNNING,
        help="the topology (default: %(default)s)",
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=TIMEOUT_SECONDS,
        help="longest wait for a process (default: %(default)g)",
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing; the exit code says it")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(args: argparse.Namespace) -> int:
    """Prints the table; 1 when something is not well. Raises TopologyError."""
    topology = load_topology(args.of, os.environ)
    digest = digest_of(read_content(args.of))
    rows = judge(look((node for _, node in topology.nodes()), args.timeout), digest)
    if args.json:
        print(json.dumps(as_json(rows, digest), indent=2))
    elif not args.quiet:
        _print(rows, Console())
    return 0 if all(row.well for row in rows) else 1


def _print(rows: list[Row], console: Console) -> None:
    table, left_out = table_of(rows, console.width)
    console.print(table)
    if left_out:
        console.print(f"no room for: {', '.join(left_out)} (a wider screen, or --json)")
    console.print()
    for line in told_of(rows):
        console.print(line, soft_wrap=True)
    ailing = sum(not row.well for row in rows)
    console.print("All is well." if not ailing else f"{ailing} of {len(rows)} are not well.")

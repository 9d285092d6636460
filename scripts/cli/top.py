"""`cinedge top`: which titles, or which edges, are sent most, looked at again and again."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from rich.console import Console, Group
from rich.filesize import decimal
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from config.load import load_topology
from config.topology import Topology
from scripts.change.command import RUNNING
from scripts.cli.errors import UsageError
from scripts.logs.following import LOOK_BACK_BYTES, Tail
from scripts.logs.places import log_files
from scripts.logs.records import Record, parse_record, seconds_of
from scripts.overview.busiest import (
    EdgeRate,
    TitleRate,
    busiest_edges,
    busiest_titles,
    rows_of,
)
from scripts.overview.looking import look
from scripts.overview.players import Players

_BAR_CELLS: Final = 10
Rates = list[EdgeRate] | list[TitleRate]

_DESCRIPTION = """\
Shows what is sent most, and goes on showing it. Titles are counted from the access
logs of edges that can be read on this machine; edges are asked what they send."""

_EPILOG = """\
examples:
  cinedge top                              titles of the installation of `cinedge up`
  cinedge top edges --of topology.yaml
  cinedge top titles --of topology.yaml --window 60 --count 50
  cinedge top --once --json                for programs: one look, as JSON

A title's bytes count when the answer ends. viewers: sessions, or addresses where
there are no sessions. rebuf: share of sessions whose player told (CMCD) that its
buffer ran empty since the last look; edges without an admin address tell none.
Where output is no terminal, one look is printed.
exit codes: 0 done, 2 wrong arguments or topology."""


def add_parser(subparsers: Any) -> None:
    """Adds `top`."""
    parser = subparsers.add_parser(
        "top",
        help="which titles or edges are sent most, live",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=("titles", "edges"),
        default="titles",
        help="what is listed (default: titles)",
    )
    parser.add_argument(
        "--of",
        metavar="FILE",
        type=Path,
        default=RUNNING,
        help="the topology (default: %(default)s)",
    )
    parser.add_argument(
        "--window",
        metavar="SECONDS",
        type=float,
        default=10.0,
        help="of titles: how far back answers count (default: %(default)g)",
    )
    parser.add_argument(
        "--interval",
        metavar="SECONDS",
        type=float,
        default=2.0,
        help="time between two looks (default: %(default)g)",
    )
    parser.add_argument(
        "--count", metavar="N", type=int, default=20, help="most lines (default: %(default)d)"
    )
    parser.add_argument("--once", action="store_true", help="look once and end")
    parser.add_argument("--json", action="store_true", help="print looks as JSON, one a line")


def run(args: argparse.Namespace) -> int:
    """Shows until interrupted. Raises UsageError, TopologyError."""
    if args.window <= 0 or args.interval <= 0 or args.count < 1:
        raise UsageError("--window, --interval and --count have to be more than nothing")
    topology = load_topology(args.of, os.environ)
    looking = _edges(topology) if args.what == "edges" else titles(topology, args.window)
    console = Console()
    if args.once or (not args.json and not console.is_terminal):
        _show_once(looking(), args, console)
        return 0
    try:
        _show_on(looking, args, console)
    except KeyboardInterrupt:
        return 0
    return 0


def titles(
    topology: Topology, window_seconds: float, clock: Callable[[], float] = time.time
) -> Callable[[], list[TitleRate]]:
    """Looks at the logs of edges; each look takes in what was written since the one before."""
    names = [edge.name for edge in topology.edges]
    tails = [Tail(path, LOOK_BACK_BYTES) for path in log_files(topology, names)]
    kept: list[Record] = []
    players = Players(topology)

    def looking() -> list[TitleRate]:
        after = clock() - window_seconds
        fresh = (parse_record(line) for tail in tails for line in tail.lines())
        kept[:] = [
            record
            for record in (*kept, *filter(None, fresh))
            if seconds_of(record) >= after and record.get("node") in names
        ]
        starving = players.look()
        return [
            replace(each, rebuffering=starving.get(each.title))
            for each in busiest_titles(kept, window_seconds)
        ]

    return looking


def table_of(rates: Rates, count: int) -> Table:
    """The first of them, with a bar each."""
    titled = bool(rates) and isinstance(rates[0], TitleRate)
    last = ("req/s", "hits", "viewers", "edges", "rebuf") if titled else ("load", "streams", "hits")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("title" if titled else "edge", overflow="fold")
    table.add_column("bytes/s", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for column in last:
        table.add_column(column, justify="right", no_wrap=True)
    most = max((each.bytes_per_second for each in rates), default=0.0) or 1.0
    for each in rates[:count]:
        bar = "█" * round(each.bytes_per_second / most * _BAR_CELLS)
        table.add_row(
            escape(each.title if isinstance(each, TitleRate) else each.name),
            f"{decimal(int(each.bytes_per_second))}/s",
            bar,
            *_figures(each),
        )
    return table


def _figures(each: EdgeRate | TitleRate) -> tuple[str, ...]:
    if isinstance(each, TitleRate):
        requests = f"{each.requests_per_second:.1f}"
        starved = "-" if each.rebuffering is None else f"{each.rebuffering:.1%}"
        return requests, f"{each.hits:.1%}", str(each.viewers), str(len(each.edges)), starved
    shown = ("-" if each.load is None else f"{each.load:.2f}", _or_dash(each.streams))
    return *shown, "-" if each.hits is None else f"{each.hits:.1%}"


def _or_dash(value: int | None) -> str:
    return "-" if value is None else str(value)


def _edges(topology: Topology) -> Callable[[], list[EdgeRate]]:
    return lambda: busiest_edges(look(topology.edges))


def _show_once(rates: Rates, args: argparse.Namespace, console: Console) -> None:
    if args.json:
        print(json.dumps({args.what: rows_of(rates[: args.count])}), flush=True)
    else:
        console.print(_view(rates, args))


def _show_on(looking: Callable[[], Rates], args: argparse.Namespace, console: Console) -> None:
    if args.json:
        while True:
            _show_once(looking(), args, console)
            time.sleep(args.interval)
    with Live(_view(looking(), args), console=console, auto_refresh=False) as live:
        while True:
            time.sleep(args.interval)
            live.update(_view(looking(), args), refresh=True)


def _view(rates: Rates, args: argparse.Namespace) -> Group:
    total = sum(each.bytes_per_second for each in rates)
    window = f" over {args.window:g} s" if args.what == "titles" else ""
    head = Text(f"{args.what}: {len(rates)}, {decimal(int(total))}/s{window}")
    if not rates:
        return Group(head, Text("Nothing was sent."))
    return Group(head, Text(""), table_of(rates, args.count))

"""`cinedge plan`: which films edges fetch in their quiet hours.

What is placed where is for `origin.placement`; here it is read, shown and kept in a file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from config.topology import OriginNode
from scripts.cli.arguments import like
from scripts.cli.errors import FailedError, UsageError
from scripts.cli.giving import ask, client_at
from scripts.cli.warm import size_of

if TYPE_CHECKING:
    from config.topology import Topology
    from origin.placement.document import Document, EdgeRow
    from origin.placement.stock import Stock
    from scripts.placing.usage import EdgeUse

_SHOWN: Final = 10
_DESCRIPTION: Final = """\
Films that will be wanted come to the edges while few are watching, so that busy
hours ask less of the origin. `cinedge recommend` has counted what is watched."""
_EPILOG: Final = """\
examples:
  cinedge plan fill --topology topology.yaml --catalog sqlite:////srv/film/catalog.sqlite \\
      --from /srv/batch --into placement.json        make tonight's plan and show it
  cinedge plan give placement.json --at http://127.0.0.1:8000       have it carried out
  cinedge plan report placement.json --log edge-fra.jsonl           what was used of it

exit codes: 0 done, 1 failed, 2 wrong arguments or configuration."""
_GIVE: Final = """\
Tells the edges: what is placed is pinned at once and fetched in their quiet hours,
at their pace; an edge that restarts goes on, and what has not come when the hours
end is left out. `GET /v1/warms` of the origin tells how far they are."""
_REPORT: Final = """\
Counts in the access logs of edges what was sent on the day after the night, and
sets it beside what was placed and expected, film by film."""
_FILL: Final = """\
Says which beginnings of which films each edge is to hold, within the share of its
disks, its quiet hours and its pace (`fill` in the topology), and writes it down.
Nothing is fetched yet. What the file held before is what edges are taken to hold."""


def add_parser(subparsers: Any) -> None:
    """Adds `plan` and its actions."""
    parser = subparsers.add_parser(
        "plan",
        help="place films on edges for the next evening",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    _add_fill(actions)
    _add_give(actions)
    _add_report(actions)


def _add_fill(actions: Any) -> None:
    fill = actions.add_parser(
        "fill",
        help="make the next plan, and show it",
        description=_FILL,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fill.add_argument("--topology", metavar="FILE", required=True, help="who exists")
    fill.add_argument("--catalog", metavar="URL", required=True, help="the origin's database")
    fill.add_argument(
        "--from", metavar="PLACE", dest="place", required=True, help="where snapshots are kept"
    )
    fill.add_argument("--into", metavar="FILE", required=True, type=Path, help="placement.json")
    fill.add_argument(
        "--budget", metavar="BYTES", type=size_of, help="most that origins send for it in a night"
    )
    fill.add_argument(
        "--margin",
        metavar="SHARE",
        type=_share,
        default=0.25,
        help="how much more a newcomer has to be worth than what goes for it (default 0.25)",
    )
    fill.add_argument(
        "--worth",
        metavar="N",
        type=_share,
        default=0.1,
        help="least times a day that what comes is expected to be asked for (default 0.1)",
    )
    fill.add_argument("--films", metavar="N", type=int, default=_SHOWN, help="shown of each edge")
    fill.add_argument("--dry-run", action="store_true", help="only show it")
    fill.add_argument("--json", action="store_true", help="print the plan as JSON")
    fill.set_defaults(act=_fill)


def _add_give(actions: Any) -> None:
    give = actions.add_parser(
        "give",
        help="have edges carry a plan out",
        description=_GIVE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    give.add_argument("file", metavar="FILE", type=Path, help="placement.json")
    give.add_argument(
        "--at", metavar="URL", required=True, type=like(OriginNode, "url"), help="the origin"
    )
    give.add_argument(
        "--token-env", metavar="NAME", help="environment variable with the bearer token"
    )
    give.add_argument("--again", action="store_true", help="although it was given before")
    give.add_argument("--json", action="store_true", help="print the orders as JSON")
    give.set_defaults(act=_give)


def _add_report(actions: Any) -> None:
    report = actions.add_parser(
        "report",
        help="what was used of a plan",
        description=_REPORT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    report.add_argument("file", metavar="FILE", type=Path, help="placement.json")
    report.add_argument(
        "--log",
        metavar="FILE",
        action="append",
        required=True,
        type=Path,
        help="access log of edges (.gz and .zst are unpacked); repeat",
    )
    report.add_argument(
        "--prefix",
        metavar="P",
        action="append",
        help="path under which edges serve our origins (default: /); repeat",
    )
    report.add_argument("--films", metavar="N", type=int, default=_SHOWN, help="shown of each edge")
    report.add_argument("--json", action="store_true", help="print everything as JSON")
    report.set_defaults(act=_report)


def run(args: argparse.Namespace) -> int:
    """Does it. Raises UsageError, FailedError, TopologyError, CinedgeError."""
    return int(args.act(args))


def _fill(args: argparse.Namespace) -> int:
    from config.load import load_topology

    try:
        from origin.placement.popularity import read_popularity
    except ModuleNotFoundError as error:
        raise FailedError(f"{error.name} is missing: pip install 'cinedge[jobs]'") from error
    from origin.batch.destination import open_destination
    from origin.placement.making import Wish, make_placement

    if "://" not in args.catalog:
        raise UsageError(f"--catalog {args.catalog!r}: give a URL, as sqlite:///catalog.sqlite")
    topology = load_topology(args.topology, os.environ)
    before = read_document(args.into) if args.into.exists() else None
    popularity = read_popularity(open_destination(args.place))
    stock = asyncio.run(_stock(args.catalog))
    wish = Wish(args.budget, args.margin, args.worth)
    made = make_placement(topology, stock, popularity, before, wish, time.time())
    _require_edges(topology, made)
    if not args.dry_run:
        write_document(args.into, made)
    if args.json:
        print(json.dumps(asdict(made)))
    else:
        draw(Console(), made, args.films)
    return 0


def _give(args: argparse.Namespace) -> int:
    from scripts.placing.orders import orders_of

    document = read_document(args.file)
    if document.given_at and not args.again:
        raise UsageError(f"{args.file} was given before; --again gives it once more")
    over = [edge.edge for edge in document.edges if edge.until_at <= time.time()]
    if over:
        raise FailedError(f"the quiet hours of {', '.join(over)} are over: make a new plan")
    said = []
    with client_at(args.at, args.token_env, os.environ) as client:
        for edge in document.edges:
            for order in orders_of(edge):
                made = ask(client, "POST", order.path, json=dict(order.body)).json()
                said.append({"edge": edge.edge, "kind": made["kind"], "order": made["id"]})
    write_document(args.file, replace(document, given_at=time.time()))
    if args.json:
        print(json.dumps(said))
    for each in () if args.json else said:
        print(f"{each['edge']}: {each['kind']} {each['order']}")
    return 0


def _report(args: argparse.Namespace) -> int:
    from scripts.placing.usage import Usage
    from scripts.simulation.lines import open_lines

    usage = Usage(read_document(args.file), args.prefix or ["/"])
    for path in args.log:
        with open_lines(path) as lines:
            usage.take(lines)
    edges = usage.edges()
    if args.json:
        shown = [asdict(edge) for edge in edges]
        print(json.dumps({"edges": shown, "unread_lines": usage.unread_lines}))
        return 0
    draw_usage(Console(), edges, args.films)
    if usage.unread_lines:
        print(f"{usage.unread_lines:,} lines are none of an access log")
    return 0


async def _stock(catalog: str) -> list[Stock]:
    from origin.catalog.database import open_database, parse_database_url
    from origin.placement.stock import load_stock

    database = await open_database(parse_database_url(catalog, Path()))
    try:
        async with database.reading() as connection:
            return await load_stock(connection)
    finally:
        await database.close()


def _require_edges(topology: Topology, made: Document) -> None:
    if not made.edges:
        said = "no edge takes films" if topology.open_edges() else "there is no edge"
        raise FailedError(f"{said}: `fill.share` is the share of its disks for them")


def read_document(path: Path) -> Document:
    """A placement. Raises FailedError, BadRequestError."""
    from origin.placement.document import parse_document

    try:
        return parse_document(path.read_bytes(), str(path))
    except OSError as error:
        raise FailedError(f"{path}: {error.strerror}") from error


def write_document(path: Path, document: Document) -> None:
    """Replace the file as a whole. Raises UnavailableError, StorageFullError."""
    from origin.batch.destination import Folder
    from origin.placement.document import format_document

    Folder(path.parent).put(path.name, [format_document(document)])


def draw(console: Console, document: Document, films: int) -> None:
    """Edges, and under each the films most is expected of."""
    table = Table("edge, film", "holds", "comes", "goes", "asked for a day", "why", box=None)
    for column in table.columns[1:5]:
        column.justify = "right"
    for edge in document.edges:
        figures = (edge.placed_bytes, edge.fetched_bytes, edge.dropped_bytes, edge.expected_bytes)
        table.add_row(edge.edge, *map(decimal, figures), _hours(edge), style="bold")
        for film in edge.films[: max(films, 0)]:
            comes = max(0, film.stop_bytes - film.held_bytes)
            goes = max(0, film.held_bytes - film.stop_bytes)
            figures = (film.stop_bytes, comes, goes, film.expected_bytes)
            table.add_row(f"  {film.film}", *map(decimal, figures), film.reason.value)
        if len(edge.films) > max(films, 0):
            table.add_row(f"  and {len(edge.films) - max(films, 0):,} more")
    console.print(table)


def draw_usage(console: Console, edges: Sequence[EdgeUse], films: int) -> None:
    """Edges, and under each the films that were used most."""
    table = Table("edge, film", "placed", "expected", "used", "beyond", "not placed", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for edge in edges:
        beyond = sum(film.beyond_bytes for film in edge.films)
        figures = (edge.placed_bytes, edge.expected_bytes, edge.used_bytes, beyond)
        table.add_row(edge.edge, *map(decimal, (*figures, edge.other_bytes)), style="bold")
        for film in edge.films[: max(films, 0)]:
            row = (film.placed_bytes, film.expected_bytes, film.used_bytes, film.beyond_bytes)
            table.add_row(f"  {film.film}", *map(decimal, row))
        if edge.idle_bytes:
            table.add_row("  asked for by nobody", decimal(edge.idle_bytes))
    console.print(table)


def _hours(edge: EdgeRow) -> str:
    begins, ends = (datetime.fromtimestamp(at, UTC) for at in (edge.from_at, edge.until_at))
    return f"{begins:%a %H:%M} to {ends:%H:%M} UTC"


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a number of 0 or more, such as 0.25") from error
    if not 0 <= share < 1000:
        raise argparse.ArgumentTypeError("a number of 0 or more, such as 0.25")
    return share

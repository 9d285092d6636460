"""`cinedge recommend`: from what viewers did to what they are shown next, in one command.

Meant to be run every night, or every hour; whenever it was killed, running it again ends the work.
What it does is for `origin.batch.job`; here it is said what it took.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table

from scripts.cli.errors import FailedError, UsageError

if TYPE_CHECKING:
    from origin.batch.job import Job
    from origin.catalog.database import Database

_LABELS: Final = ("control", "trial")
_ENGINES: Final = ("duckdb", "spark")
_DESCRIPTION: Final = """\
Takes a snapshot of the activity log and the titles, works out what each profile
is shown next, and shows it: in one step, when everything is there.

A snapshot is kept as Parquet in a folder or in HDFS; only days that changed are
written again. Old snapshots and runs go by themselves."""
_EPILOG: Final = """\
examples:
  cinedge recommend --catalog sqlite:////srv/film/catalog.sqlite --into /srv/batch
  cinedge recommend --catalog postgresql://film@db/catalog \\
      --into hdfs://namenode:8020/batch --engine spark --json
  cinedge recommend --catalog sqlite:///catalog.sqlite --runs
  cinedge recommend --catalog sqlite:///catalog.sqlite --promote RUN    back to an older one"""


def add_parser(subparsers: Any) -> None:
    """Adds `recommend`."""
    parser = subparsers.add_parser(
        "recommend",
        help="work out what each viewer is shown next",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--catalog", metavar="URL", required=True, help="the origin's database, as in its settings"
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--into",
        metavar="PLACE",
        help="where snapshots are kept: a folder, or hdfs://host:port/path",
    )
    what.add_argument("--promote", metavar="RUN", help="only show a run that was made before")
    what.add_argument("--runs", action="store_true", help="only list the runs there are")
    parser.add_argument("--engine", choices=_ENGINES, default="duckdb", help="default: duckdb")
    parser.add_argument(
        "--label",
        choices=_LABELS,
        default="control",
        help="which side of an experiment is shown it (default: control)",
    )
    parser.add_argument(
        "--judge",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="work out how good the lists are, which takes as long as making them (default: yes)",
    )
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(args: argparse.Namespace) -> int:
    """Does it. Raises UsageError, FailedError, CinedgeError."""
    try:
        import origin.batch.job  # noqa: F401 - of an extra
    except ModuleNotFoundError as error:
        raise FailedError(f"{error.name} is missing: pip install 'cinedge[jobs]'") from error
    if "://" not in args.catalog:
        raise UsageError(f"--catalog {args.catalog!r}: give a URL, as sqlite:///catalog.sqlite")
    return asyncio.run(_run(args))


async def _run(args: argparse.Namespace) -> int:
    from origin.catalog.database import open_database, parse_database_url

    database = await open_database(parse_database_url(args.catalog, Path()))
    try:
        if args.runs:
            await _list(database, args.json)
        elif args.promote is not None:
            await _promote(database, args)
        else:
            await _make(database, args)
    finally:
        await database.close()
    return 0


async def _make(database: Database, args: argparse.Namespace) -> None:
    from origin.batch.destination import open_destination
    from origin.batch.engines import open_engine
    from origin.batch.job import Clocks, Job
    from origin.batch.saving import Wish

    destination = open_destination(args.into)
    clocks = Clocks(time.time, time.perf_counter)
    job = Job(database, destination, Wish(label=args.label, is_judged=args.judge), clocks)
    made = await job.run(lambda: open_engine(args.engine))
    _print_stages(job, made, args)


def _print_stages(job: Job, made: str, args: argparse.Namespace) -> None:
    if args.json:
        stages = [
            {"name": each.name, "seconds": round(each.seconds, 3), "rows": each.rows}
            for each in job.stages
        ]
        said = {"run": made, "label": args.label, "engine": args.engine, "stages": stages}
        print(json.dumps(said))
        return
    table = Table("stage", box=None)
    for name in ("rows", "seconds"):
        table.add_column(name, justify="right")
    for each in job.stages:
        table.add_row(each.name, f"{each.rows:,}", f"{each.seconds:.1f}")
    Console().print(table)
    shown = f"{args.label} is shown {made}" if made else "nobody did anything yet: nothing to show"
    print(shown)


async def _promote(database: Database, args: argparse.Namespace) -> None:
    from origin.catalog import recommended

    made_by = f"{os.environ.get('USER', os.getuid())} on {socket.gethostname()}"
    async with database.begin() as connection:
        await recommended.promote(
            connection, args.promote, args.label, made_by=made_by, at=time.time()
        )
    said = {"run": args.promote, "label": args.label}
    print(json.dumps(said) if args.json else f"{args.label} is shown {args.promote}")


async def _list(database: Database, as_json: bool) -> None:
    from origin.catalog import recommended

    async with database.reading() as connection:
        runs = await recommended.list_runs(connection)
        shown = await recommended.promoted(connection)
    rows = [
        {
            "run": each.id,
            "made_at": each.made_at,
            "finished": each.is_finished,
            "lists": each.detail.get("lists", 0),
            "shown_to": [label for label, run in sorted(shown.items()) if run == each.id],
        }
        for each in runs
    ]
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        state = ", ".join(row["shown_to"]) or ("" if row["finished"] else "not finished")
        print(f"{row['run']}  {row['lists']:,} lists  {state}".rstrip())

"""`cinedge catalog import`: saves the films of a list as titles of an origin.

What a line says is for `scripts.ingest_client.titles`, what differs and has to be sent for
`scripts.ingest_client.saving`. The list is read whole before anything is sent.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from itertools import islice
from pathlib import Path
from typing import Any, Final

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cdnkit.service.certificates import believing
from config.topology import OriginNode
from scripts.cli.arguments import like
from scripts.cli.ingest import token_headers
from scripts.ingest_client.lines import read_lines
from scripts.ingest_client.saving import Outcome, Saver
from scripts.ingest_client.titles import read_titles

_STREAMS_MAX: Final = 64
_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
_DESCRIPTION: Final = """\
Saves the films of a list as titles. A list has one JSON object a line, with title
and, where known, year, cast, genres and extract, or members of titles themselves;
it may be packed as .gz or .zst.

Ids are made of title and year. Running it again sends only what differs, and
leaves alone what others have added to a title."""
_EPILOG: Final = """\
examples:
  cinedge catalog import films.jsonl --to http://127.0.0.1:8000
  cinedge catalog import films.jsonl.zst --to https://origin.example \\
      --token-env STUDIO_TOKEN --parallel 16 --json"""


def add_parser(subparsers: Any) -> None:
    """Adds `catalog`."""
    parser = subparsers.add_parser(
        "catalog",
        help="save the films of a list as titles",
        description="Works on the catalog of titles of an origin.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    action = actions.add_parser(
        "import",
        help="save the films of a list as titles",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    action.add_argument("file", metavar="FILE", type=Path, help="the list")
    action.add_argument(
        "--to", metavar="URL", required=True, type=like(OriginNode, "url"), help="the origin"
    )
    action.add_argument(
        "--token-env", metavar="NAME", help="environment variable with the bearer token"
    )
    action.add_argument(
        "--parallel",
        metavar="N",
        type=_streams,
        default=8,
        help=f"titles on their way at once (1 to {_STREAMS_MAX}, default: 8)",
    )
    action.add_argument("--limit", metavar="N", type=int, help="only the first N of the list")
    action.add_argument("--json", action="store_true", help="print the counts as JSON")
    action.add_argument("--quiet", action="store_true", help="no progress bar")


def run(args: argparse.Namespace) -> int:
    """Saves the titles. Raises UsageError, FailedError."""
    titles = list(islice(read_titles(read_lines(args.file)), args.limit))
    headers = token_headers(args.token_env, os.environ)
    limits = httpx.Limits(max_connections=args.parallel)
    began = time.monotonic()
    with (
        httpx.Client(
            base_url=args.to,
            headers=headers,
            timeout=_TIMEOUT,
            limits=limits,
            verify=believing(""),
        ) as client,
        _progress(Console(stderr=True, quiet=args.quiet)) as progress,
    ):
        saver = Saver(client, time.sleep)
        task = progress.add_task("saving titles", total=len(titles))
        saver.look()
        outcomes = saver.save_all(
            titles, args.parallel, lambda count: progress.advance(task, count)
        )
    counts = {outcome.value: outcomes[outcome] for outcome in Outcome}
    if args.json:
        print(json.dumps({**counts, "seconds": round(time.monotonic() - began, 3)}))
    else:
        told = ", ".join(f"{count} {name}" for name, count in counts.items())
        print(f"{len(titles)} titles: {told}")
    return 0


def _streams(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _STREAMS_MAX):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_STREAMS_MAX}")
    return int(text)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )

"""`cinedge warm`: edges fetch content before viewers ask for it."""

from __future__ import annotations

import argparse
from typing import Any

from cdnkit.wire import WARM_PATH
from config.units import UnitError, parse_size
from scripts.cli.errors import UsageError
from scripts.cli.giving import add_arguments, add_places, body_of, give

_DESCRIPTION = """\
Tells edges to fetch objects, or the beginning of titles, in the background and at
a bounded pace, and waits until they have. A file lists objects, one key a line."""

_EPILOG = """\
examples:
  cinedge warm --title film --seconds 60 --at http://127.0.0.1:8000
  cinedge warm --object films/a.mp4 --bytes 64MiB --site fra --at http://127.0.0.1:8000
  cinedge warm --list tonight.txt --rate 50MiB --concurrency 8 --at https://origin.example

exit codes: 0 every edge holds it, 1 not all, 2 wrong arguments."""


def add_parser(subparsers: Any) -> None:
    """Adds `warm`."""
    parser = subparsers.add_parser(
        "warm",
        help="let edges fetch content ahead of viewers",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--title", metavar="ID", action="append", help="a title; repeat")
    parser.add_argument("--object", metavar="KEY", action="append", help="one object; repeat")
    parser.add_argument("--list", metavar="FILE", help="a file with one key a line")
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--bytes", type=size_of, help="the first bytes of each object")
    much.add_argument("--seconds", type=float, help="the first seconds of packaged titles")
    parser.add_argument("--rate", metavar="BYTES", type=size_of, help="per second and edge")
    parser.add_argument("--concurrency", metavar="N", type=int, help="objects at once, per edge")
    add_places(parser)
    add_arguments(parser, 3600)


def run(args: argparse.Namespace) -> int:
    """Gives the order. Raises UsageError, FailedError."""
    if args.list is not None:
        try:
            with open(args.list) as file:
                lines = [line.strip() for line in file]
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--list {args.list}: {error}") from error
        args.object = [*(args.object or ()), *filter(None, lines)]
    names = {name: name for name in ("title", "object", "bytes", "seconds", "concurrency")}
    names |= {"rate": "bytes_per_second", "edge": "edges", "site": "sites"}
    return give(args, WARM_PATH, body_of(args, names))


def size_of(text: str) -> int:
    """Bytes, for argparse."""
    try:
        return parse_size(text)
    except UnitError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error.message}; {error.hint}") from error

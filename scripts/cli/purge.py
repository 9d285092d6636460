"""`cinedge purge`: edges serve nothing of it from before, and each says so."""

from __future__ import annotations

import argparse
from typing import Any

from cdnkit.wire import PURGE_PATH
from scripts.cli.errors import UsageError
from scripts.cli.giving import add_arguments, body_of, give

_DESCRIPTION = """\
Tells every edge to let go of what it holds of a title, of objects, of everything
under a prefix or with a tag, and waits until all have said that they did. A soft
purge leaves it servable while each edge asks the origin for it again."""

_EPILOG = """\
examples:
  cinedge purge --title film --at http://127.0.0.1:8000
  cinedge purge --object films/a.mp4 --object /ext/logo.png --at http://127.0.0.1:8000
  cinedge purge --tag season-1 --soft --rate 50 --at https://origin.example --token-env OPS

exit codes: 0 every edge has done it, 1 not all in time, 2 wrong arguments."""


def add_parser(subparsers: Any) -> None:
    """Adds `purge`."""
    parser = subparsers.add_parser(
        "purge",
        help="let edges forget content",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--title", metavar="ID", action="append", help="all of a title; repeat")
    parser.add_argument("--object", metavar="KEY", action="append", help="one object; repeat")
    parser.add_argument("--prefix", metavar="P", action="append", help="all keys under P; repeat")
    parser.add_argument("--tag", metavar="TAG", action="append", help="all with a tag; repeat")
    parser.add_argument("--all", action="store_true", help="everything")
    parser.add_argument("--soft", action="store_true", help="serve it while asking for it again")
    parser.add_argument("--rate", metavar="N", type=float, help="with --soft: so many a second")
    add_arguments(parser, 60)


def run(args: argparse.Namespace) -> int:
    """Gives the order. Raises UsageError, FailedError."""
    if args.rate is not None and not args.soft:
        raise UsageError("--rate is for --soft")
    names = ("title", "object", "prefix", "tag", "all")
    body = body_of(args, {**{name: name for name in names}, "rate": "refresh_per_second"})
    return give(args, PURGE_PATH, {**body, "mode": "soft" if args.soft else "hard"})

"""`cinedge pin`: edges keep content whatever else they have to let go."""

from __future__ import annotations

import argparse
from typing import Any

from cdnkit.wire import PIN_PATH, UNPIN_PATH
from scripts.cli.giving import add_arguments, add_places, body_of, give
from scripts.cli.warm import size_of

_DESCRIPTION = """\
Tells edges never to evict what they hold, or will hold, of titles, objects or
prefixes, or of their first bytes; with --remove, to treat it like everything else."""

_EPILOG = """\
examples:
  cinedge pin --title film --bytes 8MiB --at http://127.0.0.1:8000
  cinedge pin --remove --prefix films/ --at http://127.0.0.1:8000

exit codes: 0 every edge has done it, 1 not all in time, 2 wrong arguments."""


def add_parser(subparsers: Any) -> None:
    """Adds `pin`."""
    parser = subparsers.add_parser(
        "pin",
        help="let edges keep content for good",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--title", metavar="ID", action="append", help="a title; repeat")
    parser.add_argument("--object", metavar="KEY", action="append", help="one object; repeat")
    parser.add_argument("--prefix", metavar="P", action="append", help="all keys under P; repeat")
    parser.add_argument("--bytes", type=size_of, help="only the first bytes of each object")
    parser.add_argument("--remove", action="store_true", help="unpin")
    add_places(parser)
    add_arguments(parser, 60)


def run(args: argparse.Namespace) -> int:
    """Gives the order. Raises UsageError, FailedError."""
    names = {name: name for name in ("title", "object", "prefix", "bytes")}
    names |= {"edge": "edges", "site": "sites"}
    return give(args, UNPIN_PATH if args.remove else PIN_PATH, body_of(args, names))

"""`cinedge undrain`: lets new viewers come to an edge again."""

from __future__ import annotations

import argparse
import os
from typing import Any

from scripts.cli.drain import add_drain_parser, ask, client_of, show


def add_parser(subparsers: Any) -> None:
    """Adds `undrain`."""
    add_drain_parser(subparsers, "undrain", "let new viewers come to an edge again")


def run(args: argparse.Namespace) -> int:
    """Asks. Raises UsageError, TopologyError, FailedError."""
    with client_of(args, os.environ) as client:
        show(ask(client, "DELETE"), args.json, print)
    return 0

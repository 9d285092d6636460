"""`cinedge bench`: what `scripts/bench` does, where the benchmarks are installed."""

from __future__ import annotations

import argparse
import importlib.util
from typing import Any, Final

from scripts.cli.errors import FailedError

_DESCRIPTION: Final = """\
Measures edges beside other HTTP servers found on this machine, in interleaved rounds,
and prints medians and ratios. The benchmarks are part of the source tree and not of
the installed package; docs/benchmarks.md says what is measured and how."""

_EPILOG: Final = """\
examples:
  cinedge bench --smoke                 seconds; shows that everything works
  cinedge bench --quick                 under a minute, beside nginx only
  cinedge bench --only W2,C1 --peers nginx --json out.json

exit codes: 0 measured, 1 something failed or answered wrongly, 2 wrong arguments."""


def add_parser(subparsers: Any) -> None:
    """Adds `bench`."""
    parser = subparsers.add_parser(
        "bench",
        help="measure edges beside other HTTP servers",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if is_installed():
        from scripts.benchmark.arguments import add_arguments

        add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Measures. Raises FailedError."""
    if not is_installed():
        raise FailedError("the benchmarks are in the source tree only: run scripts/bench there")
    from scripts.benchmark.command import main
    from scripts.benchmark.routing import add_routing

    return main(args.said, add_routing)


def is_installed() -> bool:
    """Whether this is a source tree."""
    return importlib.util.find_spec("scripts.benchmark") is not None

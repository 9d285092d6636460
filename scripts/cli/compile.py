"""`cinedge compile`: the edge's lane in C, from its own sources."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

_DESCRIPTION: Final = """\
Compile what answers plain hits on this machine's edges, from the sources that are installed.
It is optional: an edge does the same without it, with more processor time for each request.
It takes Cython (pip install 'cinedge[compiled]'), a C compiler and Python's headers, and half a
minute. Edges that are started afterwards use it; their log says `lane=compiled` where they begin to
serve. After an update, compile again: what was compiled of other sources is not used.
CINEDGE_COMPILED=no in an edge's environment has it do without."""

_EPILOG: Final = """\
examples:
  cinedge compile
  cinedge compile --remove          edges use the sources again"""


def add_parser(subparsers: Any) -> None:
    """Adds `compile`."""
    parser = subparsers.add_parser(
        "compile",
        help="compile what answers plain hits on edges; optional",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--remove", action="store_true", help="remove what was compiled")


def run(args: argparse.Namespace) -> int:
    """Compiles, or removes. Raises CompileError."""
    import edge
    from edge.compiled import BUILT
    from edge.compiled.build import compile_lane, remove_compiled

    package = Path(edge.__file__).parent
    if args.remove:
        there = remove_compiled(package)
        print("edges use the sources" if there else "there was nothing compiled")
        return 0
    compile_lane(package)
    print(f"compiled: edges that are started from now on use {package / BUILT}")
    return 0

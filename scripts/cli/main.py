"""The `cinedge` command: finds the sub-command, runs it, turns its end into an exit code.

Each sub-command is one module `scripts/cli/NAME.py` with two functions:

    add_parser(subparsers) -> None      adds the parser NAME with help, description and examples
    run(args) -> int                    does it; exit code 0 or 1, or raises

and one line in `COMMANDS`. A module is imported only when its command is asked for, and imports
its tier only inside `run`, so that an edge machine never loads the origin. `run` raises UsageError
or TopologyError for exit 2, FailedError or an error of cdnkit for exit 1; all print as one line
(a topology as one line per mistake). CINEDGE_DEBUG=1 adds the traceback.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import os
import sys
import traceback
from collections.abc import Sequence
from types import ModuleType
from typing import Final

from cdnkit.errors import CinedgeError
from config.complaints import TopologyError
from scripts.cli.errors import FailedError, UsageError

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2

COMMANDS: Final = {
    "up": "start a whole CDN on this machine, with a film to play",
    "origin": "start an origin: takes films in and keeps them",
    "edge": "start an edge: keeps hot blocks close to viewers",
    "router": "start a geo router: sends each viewer to the best edge",
    "ingest": "upload films to an origin",
    "catalog": "save the films of a list as titles",
    "recommend": "work out what each viewer is shown next",
    "plan": "place films on edges for the next evening",
    "purge": "let edges forget content, and see that all have",
    "warm": "let edges fetch content ahead of viewers",
    "pin": "let edges keep content for good",
    "drain": "keep new viewers away from an edge",
    "undrain": "let new viewers come to an edge again",
    "explain": "ask a router why a viewer is sent where",
    "geo": "install a free geo database; look an address up",
    "status": "every process of an installation in one table",
    "top": "which titles or edges are sent most, live",
    "costs": "what titles, edges or days cost",
    "doctor": "find what is wrong with an installation, and how to mend it",
    "logs": "access logs of all nodes: choose, merge, follow",
    "simulate": "play a trace against the cache rules of edges",
    "capacity": "turn a demand into servers, disks, links and cost",
    "backup": "back up an origin while it runs; restore one",
    "account": "make an account of the film service, or give one a role",
    "token": "give a playback token; show what one allows",
    "topology": "check a topology file; plan, apply, take back a change",
    "compile": "compile what answers plain hits on edges; optional",
    "bench": "measure edges beside other HTTP servers",
    "completion": "print the script by which a shell completes cinedge",
}

_DESCRIPTION: Final = """\
A movie CDN that a small streaming team can own: an origin that keeps the films,
edges that keep the hot parts close to viewers, and a router that picks the edge."""

_EPILOG: Final = """\
first steps:
  cinedge up                                  everything on this machine, with a film
  cinedge topology example > topology.yaml    then edit, then
  cinedge topology validate topology.yaml
  cinedge edge --topology topology.yaml --name edge-fra

`cinedge COMMAND --help` explains a command and shows examples.
exit codes: 0 done, 1 failed, 2 wrong arguments or configuration.
CINEDGE_DEBUG=1 in the environment shows tracebacks."""

_EXIT_CODES: Final = "exit codes: 0 done, 1 failed, 2 wrong arguments or configuration."
"""Of sub-commands that say nothing more precise."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if "_ARGCOMPLETE" in os.environ:
        _complete(os.environ.get("COMP_LINE", ""))
    name = _command_in(words)
    command = _load(name)
    parser = build_parser(name, command)
    try:
        args = parser.parse_args(words)
        args.said = words[words.index(name) + 1 :] if name in words else []
    except SystemExit as stop:  # argparse has printed its help or its complaint
        return stop.code if isinstance(stop.code, int) else USAGE
    if command is None:
        parser.print_help(sys.stderr)
        return USAGE
    try:
        return int(command.run(args))
    except KeyboardInterrupt:
        return _end("interrupted", FAILED)
    except BrokenPipeError:
        # The reader of our output has left; what else is buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except TopologyError as error:
        return _end(str(error), USAGE, prefix="")
    except UsageError as error:
        return _end(str(error), USAGE)
    except FailedError as error:
        return _end(str(error), FAILED)
    except CinedgeError as error:
        return _end(error.detail, FAILED)
    except Exception as error:
        return _end(f"{type(error).__name__}: {error}", FAILED)


def build_parser(name: str = "", command: ModuleType | None = None) -> argparse.ArgumentParser:
    """The parser of the whole command, with the arguments of sub-command `name` alone."""
    parser = argparse.ArgumentParser(
        prog="cinedge",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"cinedge {_version()}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for each, summary in COMMANDS.items():
        if each == name and command is not None:
            command.add_parser(subparsers)
            _add_exit_codes(subparsers.choices[name])
        elif _exists(each):
            subparsers.add_parser(each, help=summary)
    return parser


def parser_of(name: str) -> argparse.ArgumentParser:
    """The parser of one sub-command."""
    (subparsers,) = (
        action
        for action in build_parser(name, _load(name))._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    parser: argparse.ArgumentParser = subparsers.choices[name]
    return parser


def _command_in(words: Sequence[str]) -> str:
    return next((word for word in words if not word.startswith("-")), "")


def _add_exit_codes(parser: argparse.ArgumentParser) -> None:
    epilog = parser.epilog or ""
    if "exit codes:" not in epilog:
        parser.epilog = f"{epilog}\n\n{_EXIT_CODES}".lstrip()


def _complete(line: str) -> None:
    """Answer a shell that asks what could come next on its line; does not return."""
    import argcomplete

    name = _command_in(line.split()[1:])
    argcomplete.autocomplete(build_parser(name, _load(name)))


def _exists(name: str) -> bool:
    return importlib.util.find_spec(f"scripts.cli.{name}") is not None


def _load(name: str) -> ModuleType | None:
    if name not in COMMANDS or not _exists(name):
        return None
    return importlib.import_module(f"scripts.cli.{name}")


def _version() -> str:
    try:
        return importlib.metadata.version("cinedge")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def _end(message: str, code: int, prefix: str = "cinedge: ") -> int:
    if os.environ.get("CINEDGE_DEBUG") == "1":
        traceback.print_exc()
    print(f"{prefix}{message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())

"""`cinedge logs`: access logs of nodes, chosen by what they say, merged by time, followed."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from rich.filesize import decimal

from cdnkit.wire import MissClass, Outcome
from config.load import load_topology
from scripts.change.command import RUNNING
from scripts.cli.arguments import complete_nodes
from scripts.cli.errors import UsageError
from scripts.logs.following import LOOK_BACK_BYTES, Tail
from scripts.logs.places import log_files
from scripts.logs.records import Record, Wanted, is_status, parse_record, seconds_of, weight_of
from scripts.simulation.lines import open_lines

_LOOK_SECONDS: Final = 0.25
_LINES: Final = 50

_DESCRIPTION = """\
Prints the access logs that nodes of a topology write on this machine, merged by
time and chosen by what they say, and goes on printing with --follow. Rotated files
are followed to their successors. Files can be named instead, packed ones too."""

_EPILOG = """\
examples:
  cinedge logs --follow                                   the installation of `cinedge up`
  cinedge logs --of topology.yaml --node edge-fra --status 5xx
  cinedge logs --title slow-dive --outcome miss --reason evicted --follow
  cinedge logs --slower-than 1000 --all --json | jq .path
  cinedge logs access.jsonl.gz old.jsonl.zst --status 404 --all

A title is a title's id for packaged films, else an object key, or a folder of keys
with a slash at its end. --json prints the lines as they were written.
exit codes: 0 done, 1 a file cannot be read, 2 wrong arguments or topology."""


def add_parser(subparsers: Any) -> None:
    """Adds `logs`."""
    parser = subparsers.add_parser(
        "logs",
        help="access logs of all nodes: choose, merge, follow",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files", metavar="FILE", nargs="*", type=Path, help="these files instead of a topology's"
    )
    parser.add_argument(
        "--of",
        metavar="FILE",
        type=Path,
        default=RUNNING,
        help="the topology (default: %(default)s)",
    )
    _add_choice(parser)
    parser.add_argument("--follow", "-f", action="store_true", help="go on with what comes")
    parser.add_argument(
        "--lines",
        metavar="N",
        type=int,
        default=_LINES,
        help="the last N that are wanted first (default: %(default)d)",
    )
    parser.add_argument("--all", action="store_true", help="all that the files have")
    parser.add_argument("--json", action="store_true", help="print lines as they were written")


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--title", metavar="ID", default="", help="only of this title or key")
    parser.add_argument(
        "--status",
        metavar="STATUS",
        type=_status,
        action="append",
        default=[],
        help="only this status, such as 404 or 5xx; repeat",
    )
    complete_nodes(
        parser.add_argument(
            "--node", metavar="NAME", action="append", default=[], help="only this node; repeat"
        )
    )
    parser.add_argument(
        "--outcome",
        choices=[each.value for each in Outcome],
        action="append",
        default=[],
        help="only what edges answered so; repeat",
    )
    parser.add_argument(
        "--reason",
        choices=[each.value for each in MissClass],
        action="append",
        default=[],
        help="only misses of this class; repeat",
    )
    parser.add_argument("--client", metavar="ADDRESS", default="", help="only of this address")
    parser.add_argument(
        "--slower-than",
        metavar="MS",
        type=float,
        default=0.0,
        help="only what took so many milliseconds or more",
    )


def run(args: argparse.Namespace) -> int:
    """Prints until the end, or until interrupted. Raises UsageError, TopologyError, FailedError."""
    if args.lines < 0:
        raise UsageError("--lines cannot be less than none")
    packed = any(path.suffix in (".gz", ".zst") for path in args.files)
    if args.follow and packed:
        raise UsageError("a packed file does not grow: leave --follow out")
    wanted = Wanted(
        args.title,
        tuple(args.status),
        tuple(args.node),
        tuple(args.outcome),
        tuple(args.reason),
        args.client,
        args.slower_than,
    )
    paths = args.files or list(log_files(load_topology(args.of, os.environ), args.node))
    say = _say_json if args.json else _say
    if args.all or packed:
        _print(_of_files(paths), wanted, say, None if args.all else args.lines)
        paths = paths if args.follow else []
    tails = [Tail(path, 0 if args.all else LOOK_BACK_BYTES) for path in paths]
    _print((line for tail in tails for line in tail.lines()), wanted, say, args.lines)
    try:
        while args.follow:
            time.sleep(_LOOK_SECONDS)
            _print((line for tail in tails for line in tail.lines()), wanted, say, None)
    except KeyboardInterrupt:
        pass
    return 0


def shown(record: Record) -> str:
    """A record as a line for people."""
    reason = f"/{record['reason']}" if record.get("reason") else ""
    facts = [
        str(record["time"]),
        str(record.get("node", "-")),
        str(record.get("client", "-")),
        str(record.get("status", "-")),
        f"{record.get('outcome', '-')}{reason}",
        decimal(int(record.get("bytes", 0))).replace(" bytes", " B"),
        f"{float(record.get('duration_ms', 0.0)):.1f} ms",
        f"{record.get('method', '')} {record.get('path', '')}".strip(),
    ]
    cut = record.get("cut") or record.get("complete") is False
    weight = weight_of(record)
    stands_for = f"one of {weight:.6g}" if weight > 1 else None
    more = (record.get("range"), record.get("error"), "cut" if cut else None, stands_for)
    return "  ".join([*facts, *(str(each) for each in more if each)])


def _print(
    lines: Iterable[str],
    wanted: Wanted,
    say: Callable[[Record, str], None],
    last: int | None,
) -> None:
    """Those that are wanted, by time; the `last` of them only, when that is said."""
    found = [(record, line) for record, line in _records(lines) if wanted.takes(record)]
    found.sort(key=lambda pair: seconds_of(pair[0]))
    for record, line in found if last is None else found[len(found) - min(last, len(found)) :]:
        say(record, line)
    sys.stdout.flush()


def _records(lines: Iterable[str]) -> Iterator[tuple[Record, str]]:
    for line in lines:
        record = parse_record(line)
        if record is not None:
            yield record, line


def _of_files(paths: Sequence[Path]) -> Iterator[str]:
    for path in paths:
        with open_lines(path) as lines:
            for line in lines:
                yield line.rstrip("\n")


def _say(record: Record, line: str) -> None:
    # What viewers send is in there: nothing of it may command the terminal.
    print("".join(each if each.isprintable() else "?" for each in shown(record)))


def _say_json(record: Record, line: str) -> None:
    print(json.dumps(record, separators=(",", ":")))


def _status(text: str) -> str:
    if not is_status(text):
        raise argparse.ArgumentTypeError(f"{text!r}: write a status like 404, or a class like 5xx")
    return text

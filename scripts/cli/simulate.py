"""`cinedge simulate`: plays requests of the past against the edge's cache rules."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from config.check import SHARES_MAX
from config.units import UnitError, parse_duration, parse_size
from edge.cache.policy.named import POLICIES, Rule, parse_rule
from scripts.cli.errors import UsageError
from scripts.simulation.replay import Outcome, replay
from scripts.simulation.trace import Trace, read_trace

_DESCRIPTION = """\
Plays a trace against the very rules that edges use, without moving a byte, and
says what would have been missed, fetched and written. A trace is CSV with the
columns time,key,size,offset (.zst and .gz are unpacked), or an edge's access log."""

_EPILOG = """\
examples:
  cinedge simulate --trace day.csv.zst --policy lru --size 10TB
  cinedge simulate --trace day.csv.zst --policy lru,duel,s3fifo+second --size 1%,5%,20%
  cinedge simulate --trace access.jsonl --policy duel --size 200GiB --json
  cinedge simulate --trace access.jsonl --policy lru --size 1TB --share /posters/=0.05

+second behind a policy: only what is asked for a second time is written.
ratios: misses of rows; misses, origin and writes of the bytes asked for."""

_BAR_CELLS = 16


@dataclass(frozen=True, slots=True)
class Result:
    """One point of the curve."""

    policy: str
    size_bytes: int
    outcome: Outcome


def add_parser(subparsers: Any) -> None:
    """Adds `simulate`."""
    parser = subparsers.add_parser(
        "simulate",
        help="play a trace against the cache rules of edges",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--trace", metavar="FILE", required=True, type=Path, help="what was asked")
    parser.add_argument(
        "--policy",
        metavar="NAME[,NAME...]",
        action="append",
        required=True,
        help=f"{', '.join(POLICIES)}; with +second behind it for admission",
    )
    parser.add_argument(
        "--size",
        metavar="SIZE[,SIZE...]",
        action="append",
        required=True,
        help="of the cache: 10GB, 500GiB, or 5%% of all units in the trace",
    )
    parser.add_argument(
        "--warmup", metavar="SHARE", type=_share, default=0.25, help="not counted (default 0.25)"
    )
    parser.add_argument(
        "--block-bytes", metavar="SIZE", type=_size, help="cut requests into blocks, as edges do"
    )
    parser.add_argument(
        "--window", metavar="TIME", type=_seconds, default=86_400.0, help="of +second (default 1d)"
    )
    parser.add_argument(
        "--half-life",
        metavar="TIME",
        type=_seconds,
        default=3 * 86_400.0,
        help="of a title's score (default 3d)",
    )
    parser.add_argument(
        "--share",
        metavar="PREFIX=SHARE",
        action="append",
        type=_kind,
        default=[],
        help="a kind of content, by the beginning of its paths, and the part of the cache that it "
        "is sure of, as eviction.shares has it",
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Prints what each policy comes to at each size. Raises UsageError, FailedError."""
    rules = _rules(args)
    _check_shares(args.share)
    _check_sizes(args.size)
    console = Console(stderr=True)
    with console.status(f"reading {args.trace}"):
        trace = read_trace(args.trace, args.block_bytes)
    sizes = [_bytes_of(text, trace) for text in _listed(args.size)]
    results = _play(console, trace, rules, sizes, args.warmup, args.share)
    if args.json:
        json.dump(_as_json(args, trace, results), sys.stdout, indent=2)
        print()
    else:
        _draw(Console(), trace, results)
    return 0


def _play(
    console: Console,
    trace: Trace,
    rules: Sequence[Rule],
    sizes: Sequence[int],
    warmup: float,
    shares: Sequence[tuple[str, float]],
) -> list[Result]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    results = []
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task("", total=len(trace) * len(rules) * len(sizes))
        for size in sizes:
            for rule in rules:
                progress.update(task, description=f"{rule} at {decimal(size)}")
                advance = partial(progress.advance, task)
                outcome = replay(trace, rule, size, warmup, advance, shares)
                results.append(Result(str(rule), size, outcome))
    return results


def _as_json(args: argparse.Namespace, trace: Trace, results: Sequence[Result]) -> dict[str, Any]:
    return {
        "trace": args.trace.name,
        "requests": len(trace),
        "footprint_bytes": trace.footprint_bytes,
        "asked_bytes": sum(trace.asked),
        "warmup": args.warmup,
        "results": [
            {
                "policy": result.policy,
                "cache_bytes": result.size_bytes,
                "fraction": round(result.size_bytes / trace.footprint_bytes, 6),
                **_outcome_as_json(result.outcome),
            }
            for result in results
        ],
    }


def _outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    told = asdict(outcome)
    kinds = told.pop("kinds")
    ratios = {name: round(ratio, 6) for name, ratio in told.items()}
    for each in kinds:
        each["byte_miss_ratio"] = round(each["byte_miss_ratio"], 6)
    return {**ratios, "kinds": list(kinds)} if kinds else ratios


def _draw(console: Console, trace: Trace, results: Sequence[Result]) -> None:
    """A line for each point: hits as a bar, then the miss ratios and what is written."""
    table = Table("size", "policy", "bytes hit", "", "objects", "bytes", "written")
    for column in table.columns:
        column.no_wrap = True
    last = None
    for result in results:
        outcome, size = result.outcome, result.size_bytes
        if last not in (None, size):
            table.add_section()
        share = f"{decimal(size)} ({size / trace.footprint_bytes:.1%})"
        hits = 1 - outcome.byte_miss_ratio
        table.add_row(
            "" if size == last else share,
            result.policy,
            "█" * round(hits * _BAR_CELLS),
            f"{hits:.1%}",
            f"{outcome.object_miss_ratio:.4f}",
            f"{outcome.byte_miss_ratio:.4f}",
            f"{outcome.write_ratio:.4f}",
        )
        for each in outcome.kinds:
            hits = 1 - each.byte_miss_ratio
            held = f"holds {decimal(each.held_bytes)}"
            miss = f"{each.byte_miss_ratio:.4f}"
            bar = "█" * round(hits * _BAR_CELLS)
            table.add_row(held, f"  {each.kind}", bar, f"{hits:.1%}", "", miss, "")
        last = size
    console.print(table)


def _rules(args: argparse.Namespace) -> list[Rule]:
    try:
        return [parse_rule(name, args.window, args.half_life) for name in _listed(args.policy)]
    except ValueError as error:
        raise UsageError(f"--policy: {error}") from error


def _check_shares(shares: Sequence[tuple[str, float]]) -> None:
    if len({prefix for prefix, _ in shares}) < len(shares):
        raise UsageError("--share: a prefix is there twice")
    total = sum(share for _, share in shares)
    if total > SHARES_MAX:
        raise UsageError(f"--share: they come to {total:g}; {SHARES_MAX:g} at most")


def _listed(given: Sequence[str]) -> list[str]:
    return [each.strip() for text in given for each in text.split(",")]


def _check_sizes(given: Sequence[str]) -> None:
    """Complain before a long trace is read."""
    for text in _listed(given):
        try:
            number = float(text[:-1]) if text.endswith("%") else parse_size(text)
        except UnitError as error:
            raise UsageError(f"--size {text!r}: {error.message}; {error.hint}") from error
        except ValueError as error:
            raise UsageError(f"--size {text!r}: write a share like 5%") from error
        if not 0 < number < float("inf"):
            raise UsageError(f"--size {text!r}: has to be more than nothing")


def _bytes_of(text: str, trace: Trace) -> int:
    if text.endswith("%"):
        return max(1, int(trace.footprint_bytes * float(text[:-1]) / 100))
    return parse_size(text)


def _size(text: str) -> int:
    try:
        size = parse_size(text)
    except UnitError as error:
        raise argparse.ArgumentTypeError(f"{error.message}; {error.hint}") from error
    if size < 1:
        raise argparse.ArgumentTypeError("at least one byte")
    return size


def _kind(text: str) -> tuple[str, float]:
    prefix, equals, share = text.rpartition("=")
    if not equals or not prefix.startswith("/"):
        raise argparse.ArgumentTypeError("a path's beginning and a share, such as /posters/=0.05")
    found = _share(share)
    if found == 0:
        raise argparse.ArgumentTypeError("a share is more than nothing")
    return prefix, found


def _seconds(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except UnitError as error:
        raise argparse.ArgumentTypeError(f"{error.message}; {error.hint}") from error
    if seconds <= 0:
        raise argparse.ArgumentTypeError("has to be more than nothing")
    return seconds


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a number from 0 up to 1, such as 0.25") from error
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError("a number from 0 up to 1, such as 0.25")
    return share

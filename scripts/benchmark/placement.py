"""Evenings with and without a fill in the night before, on traces of film traffic.

    python -m scripts.benchmark.placement movie-nflx-a.csv.zst --catalogue 20TB

Prints a Markdown row for each trace, size and rule: what the origin sent of the bytes asked for in
the evening (19 to 23 h), and in all hours with what the fill fetched. A trace of one day is made
into two: every second session is of the day before.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.cache.policy.named import Rule
from scripts.cli.errors import FailedError
from scripts.cli.warm import size_of
from scripts.simulation.lines import open_lines
from scripts.simulation.nights import DAY_SECONDS, Evenings, Fill, evening_rate, replay_nights
from scripts.simulation.trace import Trace, read_trace, whole

SHARES: Final = (0.01, 0.05, 0.2)
RULES: Final = ("lru", "duel")
FILL_SHARE: Final = 0.95
FILL_RATE: Final = 0.25
"""Of what viewers ask for in the evening."""


@dataclass(frozen=True, slots=True)
class Case:
    """One row: a trace, a share of it that is cached, a rule, and whether nights are used."""

    path: Path
    share: float
    policy: str
    fills: bool
    catalogue_bytes: int | None = None
    """Of all films, of which a short trace names only some; None: of those it names."""


def read_days(path: Path) -> Trace:
    """A trace of at least two days. Raises FailedError."""
    trace = read_trace(path, None)
    if trace.times[-1] > DAY_SECONDS:
        return trace
    with open_lines(path) as lines:
        try:
            rows = sorted(
                (
                    float(row["time"]) + DAY_SECONDS * (int(row["session"]) % 2),
                    row["key"],
                    int(row["size"]),
                    int(row["offset"]),
                )
                for row in csv.DictReader(lines)
            )
        except KeyError as error:
            said = "a trace of one day needs a column with the number of the session"
            raise FailedError(f"{path}: {said}") from error
    return whole(rows, path)


def measure(case: Case) -> Evenings:
    """Play one row. Raises FailedError."""
    trace = read_days(case.path)
    named_bytes = sum(trace.lengths.values()) * max(trace.sizes)
    capacity_bytes = int((case.catalogue_bytes or named_bytes) * case.share)
    fill = Fill(FILL_SHARE, FILL_RATE * evening_rate(trace)) if case.fills else None
    return replay_nights(trace, Rule(case.policy), capacity_bytes, fill)


def cases(paths: Sequence[Path], catalogue_bytes: int | None) -> Iterator[Case]:
    """All rows, those to be compared one after the other."""
    for path in paths:
        for share in SHARES:
            for policy in RULES:
                for fills in (False, True):
                    yield Case(path, share, policy, fills, catalogue_bytes)


def row_of(case: Case, found: Evenings) -> str:
    """A line of a Markdown table."""
    name = case.path.name.partition(".")[0]
    rule = f"{case.policy}, filled" if case.fills else case.policy
    filled = found.filled / max(found.asked, 1)
    figures = f"{found.evening_ratio:.4f} | {found.origin_ratio:.4f} | {filled:.4f}"
    return f"| {name}, {case.share:.0%} | {rule} | {figures} |"


def main() -> None:
    """Prints the table, rows as they come."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("traces", nargs="+", type=Path)
    parser.add_argument(
        "--catalogue", type=size_of, help="bytes of all films (default: those asked for)"
    )
    parser.add_argument("--processes", type=int, default=1)
    args = parser.parse_args()
    print("| trace, cached | rule | evening | all hours | of it filled |\n|---|---|---|---|---|")
    todo = list(cases(args.traces, args.catalogue))
    with multiprocessing.get_context("spawn").Pool(args.processes) as pool:
        for case, found in zip(todo, pool.imap(measure, todo), strict=True):
            print(row_of(case, found), flush=True)


if __name__ == "__main__":
    main()

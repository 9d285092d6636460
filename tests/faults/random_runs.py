"""Scenarios drawn by chance, one after the other, until one finds something.

    python -m tests.faults.random_runs --seeds 1-300 [--seconds 4] [--keep-going] [--into DIR]

The same seed draws the same scenario. Where something is found, the scenario is written out as a
file that `python -m tests.faults.random_runs --file FILE` runs again: a regression to be.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.faults.scenario.backing import can_have_two_origins
from tests.faults.scenario.disks import can_be_small
from tests.faults.scenario.drawing import draw_scenario
from tests.faults.scenario.plan import Scenario, format_scenario, parse_scenario
from tests.faults.scenario.running import Report, run_scenario
from tests.faults.scenario.world import Nursery


def parse_seeds(text: str) -> list[int]:
    """`1-3,7` is 1, 2, 3 and 7. Raises ValueError."""
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        seeds += range(int(first), int(last if dash else first) + 1)
    return seeds


def main(argv: Sequence[str] | None = None) -> int:
    """Run scenarios; 1 when something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.random_runs")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--seeds", type=parse_seeds, metavar="1-300")
    source.add_argument("--file", type=Path, nargs="+", help="scenarios in place of drawn ones")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long things break (4)")
    parser.add_argument("--keep-going", action="store_true", help="also after something is found")
    parser.add_argument("--into", type=Path, default=Path(), help="where findings are written")
    args = parser.parse_args(argv)
    found = 0
    with Nursery() as nursery:
        for scenario in _scenarios(args):
            if not _run(scenario, nursery, args.into):
                found += 1
                if not args.keep_going:
                    break
    return 1 if found else 0


def _scenarios(args: argparse.Namespace) -> Iterator[Scenario]:
    for path in args.file or ():
        yield parse_scenario(path.read_text())
    for seed in args.seeds or ():
        yield draw_scenario(
            seed, args.seconds, small_disks=can_be_small(), two_origins=can_have_two_origins()
        )


def _run(scenario: Scenario, nursery: Nursery, into: Path) -> bool:
    """Whether nothing was found; what was is written down."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="scenario-") as directory:
        report = run_scenario(scenario, nursery, Path(directory))
    print(_line(report, time.monotonic() - began), flush=True)
    if not report.complaints:
        return True
    path = into / f"{scenario.name.replace(' ', '-')}.yaml"
    path.write_text(format_scenario(scenario))
    print(path.read_text(), *report.complaints, report.words, sep="\n", flush=True)
    print(f"Again: python -m tests.faults.random_runs --file {path}")
    return False


def _line(report: Report, seconds: float) -> str:
    """One run in a line: what broke, what was asked and answered."""
    faults = ", ".join(f"{each.kind} {each.target}" for each in report.scenario.faults)
    counts = report.counts
    whole = counts["status 200"] + counts["status 206"]
    failed = sum(number for name, number in counts.items() if name[7:] in ("0", "502", "503"))
    return (
        f"{report.scenario.name}: {'FOUND' if report.complaints else 'clean'} in {seconds:.1f} s; "
        f"{whole} whole, {failed} failed, {counts['uploads']} uploads, {counts['purges']} purges; "
        f"{faults}"
    )


if __name__ == "__main__":
    sys.exit(main())

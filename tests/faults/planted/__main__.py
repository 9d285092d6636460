"""Runs each planted bug in the scenario that is to catch it, and shows the table."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.faults import planted
from tests.faults.scenario.plan import Scenario, parse_scenario
from tests.faults.scenario.running import Report, run_scenario
from tests.faults.scenario.world import Nursery

STORIES = Path(__file__).parents[1] / "stories"


def planted_names() -> list[str]:
    """Every planted bug."""
    return [each.name for each in pkgutil.iter_modules(planted.__path__) if each.name[0] != "_"]


def story_of(name: str) -> Scenario:
    """The scenario that is to catch a bug."""
    module = importlib.import_module(f"{planted.__name__}.{name}")
    return parse_scenario((STORIES / f"{module.STORY}.yaml").read_text())


def run_planted(name: str, nursery: Nursery) -> Report:
    """Run the scenario of a bug with the bug in it."""
    with tempfile.TemporaryDirectory(prefix="planted-") as directory:
        return run_scenario(story_of(name), nursery, Path(directory), name)


def main(argv: Sequence[str] | None = None) -> int:
    """Show what catches what; 1 when a bug goes by unseen."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.planted")
    parser.add_argument("names", nargs="*", metavar="NAME", help="all when left out")
    names = parser.parse_args(argv).names or planted_names()
    missed = 0
    with Nursery() as nursery:
        for name in names:
            report = run_planted(name, nursery)
            missed += not report.complaints
            found = str(report.complaints[0]) if report.complaints else "NOT CAUGHT"
            print(f"{name:30} {report.scenario.name:55} {found}", flush=True)
    print(f"{len(names) - missed} of {len(names)} caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""The command: which targets, for how long, from which seed; a table of what came of it."""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import time
from collections.abc import Sequence

from scripts.fuzz.hunt import Hunt, hunt
from scripts.fuzz.mutate import Mutator
from scripts.fuzz.target import Target
from scripts.fuzz.targets.table import TARGETS

_HEAD = f"{'target':<16} {'executions':>11} {'refused':>9} {'seconds':>8} {'findings':>8}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 when anything was found."""
    parser = argparse.ArgumentParser(prog="python -m scripts.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all without one")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each target")
    parser.add_argument("--seed", type=int, default=1, help="the same inputs from the same seed")
    parser.add_argument("--guided", action="store_true", help="led by coverage, with atheris")
    args = parser.parse_args(arguments)
    known = {target.name: target for target in TARGETS}
    unknown = set(args.targets) - set(known)
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    print(_HEAD)
    found = [
        _run(known[name], args.seconds, args.seed, args.guided) for name in args.targets or known
    ]
    return 1 if any(each.findings for each in found) else 0


def _run(target: Target, seconds: float, seed: int, guided: bool) -> Hunt:
    if guided:
        from scripts.fuzz.guided import hunt_guided  # wants atheris, which few have

        found = hunt_guided(target, seconds, seed)
    else:
        mutator = Mutator(random.Random(f"{seed} {target.name}"), target.seeds, target.words)
        inputs = (mutator.make() for _ in itertools.count())
        found = hunt(target, inputs, seconds, time.monotonic, time.process_time)
    _show(found)
    return found


def _show(found: Hunt) -> None:
    print(
        f"{found.target.name:<16} {found.executions:>11,} {found.refused:>9,}"
        f" {found.seconds:>8.1f} {len(found.findings):>8}",
        flush=True,
    )
    for each in found.findings:
        print(f"  {each.place}: {each.error}\n    {each.data[:400]!r}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""What `scripts/bench` does: the run, tables, recorded files, exit codes."""

from __future__ import annotations

import dataclasses
import datetime
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from scripts.benchmark import machine, namespace
from scripts.benchmark.arguments import make_parser, make_plan
from scripts.benchmark.plan import Plan
from scripts.benchmark.record import record
from scripts.benchmark.report import report
from scripts.benchmark.results import Results
from scripts.benchmark.runner import run_plan
from scripts.benchmark.stage import Builder, Stage
from scripts.cli.errors import FailedError, UsageError

Extend = Callable[[Stage, Path, ExitStack], None]
"""Adds servers to a stage, inside a folder; what it starts ends with the stack."""

OK, FAILED, USAGE = 0, 1, 2
DOCS: Final = Path(__file__).parents[2] / "docs"


def run(plan: Plan, arguments: Sequence[str], extend: Extend) -> Results:
    """Measure everything in a plan; `extend` adds to the stage. Raises FailedError."""
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - began:5.1f} s] {line}", file=sys.stderr, flush=True)

    settings = dataclasses.asdict(plan)
    settings["measures"] = [each.name for each in plan.measures]
    results = Results(
        command=shlex.join(["scripts/bench", *arguments]),
        at=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S"),
        commit=machine.commit(),
        machine=machine.look(plan.peers).as_dict(),
        settings=settings,
        load_average=[machine.load_average()],
    )
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cinedge-bench-")))
        work.chmod(0o755)
        stage = Builder(plan, work, stack, say).build()
        extend(stage, work, stack)
        run_plan(stage, results, say)
    results.load_average.append(machine.load_average())
    results.seconds = time.monotonic() - began
    return results


def main(arguments: Sequence[str], extend: Extend = lambda stage, work, stack: None) -> int:
    """Run the command; the exit code."""
    args = make_parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        plan = make_plan(args)
        if args.netns or args.cc:
            if not namespace.is_inside():
                namespace.enter(arguments)
            namespace.settle(args.cc)
        results = run(plan, arguments, extend)
        print(report(results))
        if args.json:
            args.json.write_text(results.as_json())
        if args.record:
            print(f"recorded in {record(results, DOCS / 'benchmarks.md', DOCS / 'bench')}")
    except UsageError as error:
        print(f"scripts/bench: {error}", file=sys.stderr)
        return USAGE
    except FailedError as error:
        print(f"scripts/bench: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130
    return FAILED if results.errors() else OK

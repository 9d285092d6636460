"""The actions of `cinedge topology` that compare topologies and change what runs."""

from __future__ import annotations

import argparse
import dataclasses
import getpass
import json
import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from config.load import load_topology
from scripts.change.apply import Change, NotTakenBackError, Patience
from scripts.change.control import hands_in
from scripts.change.history import DONE, FAILED, ROLLED_BACK, History, Record, changing
from scripts.change.looking import Looks
from scripts.change.plan import make_plan
from scripts.change.show import plan_as_json, print_plan
from scripts.cli.errors import FailedError
from scripts.cli.ingest import token_headers
from scripts.cli.warm import size_of

RUNNING: Final = Path(".cinedge/topology.yaml")
"""Where `cinedge up` keeps its topology."""


def add_actions(actions: Any) -> None:
    """Adds `plan`, `apply`, `history` and `rollback`."""
    plan = actions.add_parser("plan", help="say what a new file would change, and in which order")
    plan.add_argument("new", metavar="NEW", type=Path, help="the file that is to be true")
    _add_running(plan, "the file that is true now")
    plan.add_argument(
        "--stored", metavar="SIZE", type=size_of, help="what each origin holds, to tell bytes moved"
    )
    plan.add_argument("--json", action="store_true", help="print it as JSON")
    plan.set_defaults(act=_plan)
    apply = actions.add_parser("apply", help="make a new file true, step by step, or not at all")
    apply.add_argument("new", metavar="NEW", type=Path, help="the file that is to be true")
    _add_running(apply, "the file that it replaces")
    _add_conduct(apply)
    apply.set_defaults(act=_apply)
    history = actions.add_parser("history", help="who changed what when, and with what end")
    _add_running(history, "whose history")
    history.add_argument("--json", action="store_true", help="print it as JSON")
    history.set_defaults(act=_history)
    rollback = actions.add_parser("rollback", help="apply what was true before")
    rollback.add_argument(
        "number", metavar="N", type=int, nargs="?", help="of `history`; the one before when absent"
    )
    _add_running(rollback, "the file that it replaces")
    _add_conduct(rollback)
    rollback.set_defaults(act=_rollback)


def _add_conduct(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--warm", metavar="KEY", action="append", help="objects that new edges fetch first; repeat"
    )
    parser.add_argument(
        "--drain",
        metavar="SECONDS",
        type=float,
        default=Patience().drain_seconds,
        help="longest wait for answers under way before a process ends (default: %(default)g)",
    )
    parser.add_argument(
        "--token-env", metavar="NAME", help="environment variable with a token (scope operate)"
    )


def _add_running(parser: argparse.ArgumentParser, meaning: str) -> None:
    parser.add_argument(
        *("--of", "--running"),
        dest="running",
        metavar="FILE",
        type=Path,
        default=RUNNING,
        help=f"{meaning} (default: %(default)s, of `cinedge up`)",
    )


def _plan(args: argparse.Namespace) -> int:
    """Prints the plan. Raises TopologyError."""
    old = load_topology(args.running, os.environ)
    # As it will be read where it is going to stand.
    new = load_topology(args.new, os.environ, args.running.resolve().parent)
    plan = make_plan(old, new, args.stored)
    if args.json:
        print(json.dumps(plan_as_json(plan), indent=2, ensure_ascii=False))
    else:
        print_plan(plan, Console())
    return 0


def _apply(args: argparse.Namespace) -> int:
    """Makes a file true. Raises TopologyError, FailedError, ConflictError, UsageError."""
    return _change(args, args.new)


def _rollback(args: argparse.Namespace) -> int:
    history = History(args.running)
    number = history.before_current() if args.number is None else args.number
    return _change(args, history.copy_of(number))


def _history(args: argparse.Namespace) -> int:
    records = History(args.running).records()
    if args.json:
        print(json.dumps([dataclasses.asdict(record) for record in records], indent=2))
        return 0
    for each in records:
        why = f" ({each.why})" if each.why else ""
        print(f"{each.number}  {each.at}  {each.who}  {each.outcome}{why}")
    return 0


def _change(args: argparse.Namespace, new: Path) -> int:
    running: Path = args.running
    who, at = _who(), _now()
    with changing(running, who, at):
        warmed = tuple(args.warm or ())
        old = load_topology(running, os.environ)
        topology = load_topology(new, os.environ, running.resolve().parent)
        plan = make_plan(old, topology, warmed=warmed)
        print_plan(plan, Console(stderr=True))
        contents = running.read_bytes(), new.read_bytes()
        if plan.is_empty and contents[0] == contents[1]:
            return 0
        # Processes go by the old file until they are started again.
        authorities = old.authorities, topology.authorities
        looks = Looks(token_headers(args.token_env, os.environ), authorities)
        hands = hands_in(running.resolve().parent)
        history = History(running)
        number = history.begin(contents[1], contents[0], at, who)
        change = Change(
            *(running, old, topology, *contents),
            looks,
            hands,
            lambda sentence: print(sentence, file=sys.stderr, flush=True),
            Patience(drain_seconds=args.drain),
            warmed,
        )
        try:
            change.apply(plan)
        except FailedError as error:
            outcome = FAILED if isinstance(error, NotTakenBackError) else ROLLED_BACK
            history.note(Record(number, _now(), who, outcome, " ".join(str(error).split())[:500]))
            raise
        history.note(Record(number, _now(), who, DONE))
        print(f"{running} is now number {number}.")
        for what in change.by_hand:
            print(f"By hand, for nothing here controls it: {what}")
    return 0


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _who() -> str:
    """The person, as far as this machine knows."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"user {os.getuid()}"
    return f"{name}@{socket.gethostname()}"

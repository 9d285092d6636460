"""Starts the servers, lets the audience in, audits and prints; see the package."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import random
import secrets
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import ClientSession, ClientTimeout, TCPConnector

from origin.catalog.database import open_database, parse_database_url
from scripts.benchmark import procfs
from scripts.benchmark.audience import audit, people, stage, stripe_double
from scripts.benchmark.audience.calls import Caller, Figures, summarise
from scripts.benchmark.audience.viewer import PLANS, Programme, Viewer
from scripts.benchmark.launch import Launcher
from scripts.cli.errors import FailedError

_TIMEOUT: Final = ClientTimeout(total=30)
_SETTLE_SECONDS: Final = 1.0
_FIRST_BYTES: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Usage:
    """What a server used: a share of one processor, and its memory in the end."""

    cpu_share: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to; `wrong` is what the audit found."""

    viewers: int
    seconds: float
    calls: Mapping[str, Figures]
    usage: Mapping[str, Usage]
    heartbeats: int
    charges: int
    wrong: Sequence[str]


def run(folder: Path, args: argparse.Namespace) -> Result:
    """One run in `folder`. Raises FailedError."""
    with contextlib.ExitStack() as stack:
        double = None
        if stripe_double.is_installed():
            double = stack.enter_context(stripe_double.running_double())
        payments = double.settings() if double else None
        document = stage.make_document(
            folder, args.database, payments, cheap_hashes=args.cheap_hashes
        )
        launcher = stack.enter_context(Launcher(folder / "logs", None))
        on = stage.start(launcher, folder, document)
        stage.fill(on)
        if double is not None:
            double.tell(on.origin_url)
        return asyncio.run(_play(on, double, folder / "origin", args))


async def _play(
    on: stage.Stage,
    double: stripe_double.StripeDouble | None,
    data: Path,
    args: argparse.Namespace,
) -> Result:
    database = await open_database(parse_database_url(args.database, data))
    connector = TCPConnector(limit=0)
    async with ClientSession(connector=connector, timeout=_TIMEOUT) as http:
        caller = Caller(http, on.origin_url)
        tag = secrets.token_hex(4)
        accounts = await people.make_accounts(
            caller, database, tag, args.viewers, pays=double is not None
        )
        caller.noted.clear()
        programme = Programme(stage.TITLES, stage.FILM[:_FIRST_BYTES], args.think, args.heartbeats)
        viewers = [
            Viewer(caller, account, programme, random.Random(number))
            for number, account in enumerate(accounts)
        ]
        for viewer in viewers:
            viewer.memory.plan = PLANS[0] if double is not None else ""
        usage = await _watch(viewers, on, double, args.seconds)
        calls = summarise(caller.noted)
        wrong = await audit.audit_rows(
            database, {each.account.profile: each.memory for each in viewers}
        )
        # Whoever walked away has no place any more once its lease is over.
        await asyncio.sleep(stage.LEASE_SECONDS + _SETTLE_SECONDS)
        wrong += await audit.audit_places(viewers, stage.TITLES[0][0])
    await database.close()
    charges = double.charges() if double is not None else []
    if double is not None:
        wrong += stripe_double.wrong_charges(charges, len(viewers))
    heartbeats = sum(viewer.memory.heartbeats for viewer in viewers)
    return Result(args.viewers, args.seconds, calls, usage, heartbeats, len(charges), wrong)


async def _watch(
    viewers: Sequence[Viewer],
    on: stage.Stage,
    double: stripe_double.StripeDouble | None,
    seconds: float,
) -> Mapping[str, Usage]:
    """Let them in; what each server used meanwhile."""
    pids = {server.name: server.pids() for server in on.servers}
    if double is not None:
        pids["localstripe"] = [double.pid]
    before = {name: procfs.cpu_seconds(some) for name, some in pids.items()}
    until = asyncio.get_running_loop().time() + seconds
    await asyncio.gather(*(viewer.watch(until) for viewer in viewers))
    return {
        name: Usage(
            cpu_share=(procfs.cpu_seconds(some) - before[name]) / seconds,
            memory_bytes=procfs.pss_bytes(some),
        )
        for name, some in pids.items()
    }


def render(result: Result) -> str:
    """The figures for people."""
    total = sum(each.calls for each in result.calls.values())
    lines = [f"{result.viewers} viewers, {total / result.seconds:.0f} calls/s"]
    lines += [
        f"{name:12} {each.calls:7} calls, p50 {each.p50_ms:7.1f} ms, p99 {each.p99_ms:8.1f} ms"
        f"{_render_errors(each.errors)}"
        for name, each in result.calls.items()
    ]
    lines += [
        f"{name:12} {each.cpu_share:7.2f} of a processor, {each.memory_bytes >> 20:5} MiB"
        for name, each in result.usage.items()
    ]
    lines.append(f"{result.heartbeats} heartbeats were acknowledged, {result.charges} charges made")
    lines += result.wrong or ["the audit found nothing wrong"]
    return "\n".join(lines)


def failures(result: Result) -> int:
    """What must not be: a wrong row, an answer that was none, one that is the server's fault."""
    bad = [
        count
        for each in result.calls.values()
        for status, count in each.errors.items()
        if status < 400 or status >= 500
    ]
    return len(result.wrong) + sum(bad)


def _render_errors(errors: Mapping[int, int]) -> str:
    told = ", ".join(f"{count} with {status}" for status, count in sorted(errors.items()))
    return f"; failed: {told}" if told else ""


def make_parser() -> argparse.ArgumentParser:
    """What can be asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--think", type=float, default=2.0, help="seconds between two calls")
    parser.add_argument("--heartbeats", type=int, default=10, help="in one film, a second apart")
    parser.add_argument("--database", default="", help="of PostgreSQL; SQLite when left out")
    parser.add_argument(
        "--cheap-hashes",
        action="store_true",
        help="passwords at a thousandth of the cost, to see what lies behind them",
    )
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    return parser


def main() -> int:
    """Prints the figures; 1 when something was wrong."""
    args = make_parser().parse_args()
    args.database = "" if args.database == "sqlite" else args.database
    try:
        with tempfile.TemporaryDirectory(prefix="cinedge-audience-") as folder:
            result = run(Path(folder), args)
    except FailedError as error:
        print(error, file=sys.stderr)
        return 1
    print(render(result))
    if args.json:
        args.json.write_text(json.dumps(dataclasses.asdict(result), indent=1))
    return 1 if failures(result) else 0


if __name__ == "__main__":
    sys.exit(main())

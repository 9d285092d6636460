"""Starts the servers, lets the players in, and judges; see the package."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.units import parse_size
from edge.listening import raise_descriptor_limit
from scripts.benchmark import procfs
from scripts.benchmark.launch import Launcher, Server
from scripts.benchmark.players import stage
from scripts.benchmark.players.evening import Programme
from scripts.benchmark.players.floods import KINDS
from scripts.benchmark.players.notes import Notes, Sample, Use, render, use_between
from scripts.benchmark.players.player import Pace, Player
from scripts.cli.errors import FailedError

_FLOODS: Final = (sys.executable, "-m", "scripts.benchmark.players.floods")
_SETTLING_SHARE: Final = 0.1
"""A part begins with coming players or floods; then nothing may grow any more."""
_PULSE_SECONDS: Final = 0.05
_SAMPLES: Final = 60
"""Looks at the servers in each part of a run."""


@dataclass(frozen=True, slots=True)
class Part:
    """A named stretch of the run, in seconds of it, and who does harm meanwhile."""

    name: str
    start: float
    stop: float
    floods: Sequence[str] = ()

    @property
    def settled(self) -> float:
        """From when on memory and descriptors are judged."""
        return self.start + _SETTLING_SHARE * (self.stop - self.start)


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to, by part, and by part and server."""

    notes: Mapping[str, tuple[float, Notes]]
    uses: Mapping[str, Mapping[str, Use]]

    def wrong(self) -> list[str]:
        """What must not be: players with problems, servers that grow."""
        told = [
            f"{name}: players had problems"
            for name, (_, notes) in self.notes.items()
            if notes.problems
        ]
        told += [
            f"{part}: {server} grows"
            for part, uses in self.uses.items()
            for server, use in uses.items()
            if not use.is_flat
        ]
        return told


def parts_of(args: argparse.Namespace) -> list[Part]:
    """First everybody comes; then it is quiet, and with floods half of the time is not."""
    seconds, coming = args.seconds, args.coming
    if not args.floods:
        return [Part("quiet", coming, coming + seconds)]
    middle = coming + seconds / 2
    return [
        Part("quiet", coming, middle),
        Part("flooded", middle, coming + seconds, args.floods),
    ]


async def play(on: stage.Stage, programme: Programme, args: argparse.Namespace) -> Result:
    """One run."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    parts = parts_of(args)
    all_notes = {part.name: Notes() for part in parts}
    before = Notes()
    samples: dict[str, list[Sample]] = {server.name: [] for server in on.servers}

    def notes_now() -> Notes:
        now = loop.time() - began
        return next((all_notes[p.name] for p in parts if p.start <= now < p.stop), before)

    async def come(number: int) -> None:
        await asyncio.sleep(args.coming * number / args.players)
        pace = Pace(args.piece, args.piece_seconds)
        player = Player(
            stage.address_of(number),
            on.router_port,
            programme,
            pace,
            random.Random(number),
            notes_now,
        )
        await player.watch(began + parts[-1].stop)

    async def come_late() -> None:
        while True:
            due = loop.time() + _PULSE_SECONDS
            await asyncio.sleep(_PULSE_SECONDS)
            notes_now().delays.append(loop.time() - due)

    every = (parts[0].stop - parts[0].start) / _SAMPLES
    looking = asyncio.ensure_future(_look(on.servers, samples, began, every))
    lateness = asyncio.ensure_future(come_late())
    harm = asyncio.ensure_future(_do_harm(on, parts, began, args, programme))
    await asyncio.gather(*(come(number) for number in range(args.players)), harm)
    looking.cancel()
    lateness.cancel()
    await asyncio.gather(looking, lateness, return_exceptions=True)
    return Result(
        {part.name: (part.stop - part.start, all_notes[part.name]) for part in parts},
        {
            part.name: {
                name: use_between(seen, part.settled, part.stop) for name, seen in samples.items()
            }
            for part in parts
        },
    )


async def _look(
    servers: Sequence[Server], samples: Mapping[str, list[Sample]], began: float, every: float
) -> None:
    loop = asyncio.get_running_loop()
    while True:
        for server in servers:
            pids = server.pids()
            memory = await asyncio.to_thread(procfs.pss_bytes, pids)
            now = loop.time() - began
            sample = Sample(now, memory, _descriptors(pids), procfs.cpu_seconds(pids))
            samples[server.name].append(sample)
        await asyncio.sleep(every)


def _descriptors(pids: Sequence[int]) -> int:
    held = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            held += len(os.listdir(f"/proc/{pid}/fd"))
    return held


async def _do_harm(
    on: stage.Stage,
    parts: Sequence[Part],
    began: float,
    args: argparse.Namespace,
    programme: Programme,
) -> None:
    for part in parts:
        await asyncio.sleep(began + part.start - asyncio.get_running_loop().time())
        seconds = str(part.stop - part.start)
        ports = ",".join(map(str, on.edge_ports))
        path = programme.pick(random.Random(0)).path
        started = [
            await asyncio.create_subprocess_exec(
                *_FLOODS, ports, kind, seconds, str(args.harmful), path
            )
            for kind in part.floods
        ]
        for each in started:
            await each.wait()


def make_parser() -> argparse.ArgumentParser:
    """What can be asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--players", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--coming", type=float, default=60.0, help="seconds in which all come")
    parser.add_argument("--films", type=int, default=40)
    parser.add_argument("--film", type=parse_size, default=16 << 20, help="size of one")
    parser.add_argument("--piece", type=parse_size, default=64 << 10, help="size of one")
    parser.add_argument("--piece-seconds", type=float, default=2.0, help="how long one plays")
    parser.add_argument("--cache", type=parse_size, default=256 << 20, help="of each edge")
    parser.add_argument(
        "--floods",
        type=lambda text: text.split(","),
        default=[],
        help=f"in the second half, some of {','.join(KINDS)}",
    )
    parser.add_argument("--harmful", type=int, default=200, help="connections of a kind and edge")
    parser.add_argument("--json", type=Path, help="write the uses there as well")
    return parser


def run(folder: Path, args: argparse.Namespace) -> Result:
    """One run in `folder`. Raises FailedError."""
    raise_descriptor_limit()
    logs = folder / "logs"
    with Launcher(logs, None) as launcher:
        document = stage.make_document(folder, args.cache, logs)
        on = stage.start(launcher, folder, document)
        films = stage.fill(on, args.films, args.film, args.piece)
        return asyncio.run(play(on, Programme(films), args))


def main() -> int:
    """Prints the figures; 1 when something was wrong."""
    args = make_parser().parse_args()
    if unknown := set(args.floods) - set(KINDS):
        print(f"no such flood: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
        return 2
    try:
        with tempfile.TemporaryDirectory(prefix="cinedge-players-") as folder:
            result = run(Path(folder), args)
    except FailedError as error:
        print(error, file=sys.stderr)
        return 1
    print(render(result.notes, result.uses))
    wrong = result.wrong()
    print(*(wrong or ["nothing was wrong"]), sep="\n")
    if args.json:
        uses = {
            part: {name: dataclasses.asdict(use) for name, use in each.items()}
            for part, each in result.uses.items()
        }
        args.json.write_text(json.dumps(uses, indent=1))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""A trace played over HTTP against real caches of one size, with the origin counting.

    python -m scripts.benchmark.traffic TRACE --size 40MiB --policy lru,duel --peers nginx

Each piece of a title in the trace becomes one block of a generated film, so that an edge's blocks
are the units of `cinedge simulate`; its ratio stands beside (for a peer, that of the rule it is
known for). Time is compressed to what the machine takes, and half-lives with it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.units import parse_size
from edge.cache.policy.named import Rule, parse_rule
from scripts.benchmark.counting_origin import BLOCK_BYTES, CountingOrigin, counting_origin
from scripts.benchmark.equal_caches import (
    edge_command,
    held_bytes,
    peer_command,
    ready_path,
    request_for,
    room_for,
)
from scripts.benchmark.launch import HOST, Launcher, free_port, wait_until_it_answers
from scripts.benchmark.peers import PEERS, Site
from scripts.benchmark.report import format_number, lay_out
from scripts.simulation.replay import replay
from scripts.simulation.trace import Trace, read_trace

_WARMUP: Final = 0.25
_DAY: Final = 86_400.0
_LOOK_SECONDS: Final = 0.5
_KNOWN_FOR: Final = {"nginx": "lru", "varnish": "lru", "ats": "fifo", "squid": "lru"}
_HEADINGS: Final = (
    "cache", "byte misses", "simulated", "origin sent", "it says", "most held", "seconds",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one cache: the miss ratio is what the origin sent after the warm-up, per byte asked for.

    `own_bytes` is what the cache says it fetched in all, `held_bytes` the most that it was seen
    to take, with all it keeps beside the content.
    """

    miss_ratio: float
    origin_bytes: int
    own_bytes: int | None
    simulated: float
    held_bytes: int
    seconds: float


class Viewers:
    """So many at once; each takes the next request of the trace when its last is answered."""

    def __init__(self, trace: Trace, name: str, port: int, origin: CountingOrigin) -> None:
        self._items: Iterator[tuple[int, int]] = iter(
            list(zip(trace.numbers, trace.blocks, strict=True))
        )
        self._left = int(len(trace) * _WARMUP)
        self._name = name
        self._port = port
        self._origin = origin
        self.warm_bytes = 0

    async def watch(self) -> None:
        """Until nothing is left. Raises ValueError for an answer that is none."""
        reader, writer = await asyncio.open_connection(HOST, self._port)
        for number, block in self._items:
            if self._left == 0:
                self.warm_bytes = self._origin.sent_bytes
            self._left -= 1
            writer.write(request_for(self._name, number, block))
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith((b"HTTP/1.1 206", b"HTTP/1.1 200")):
                raise ValueError(f"not what was asked for: {head!r}")
            await reader.readexactly(BLOCK_BYTES)
        writer.close()


async def measure(
    trace: Trace, name: str, size_bytes: int, sessions: int, seconds: float, ahead: int
) -> Figures:
    """Play the trace against one cache; `seconds` is about how long that will take."""
    is_peer = name in PEERS
    rule = None if is_peer else _compressed(name, trace, seconds)
    admin = free_port()
    async with counting_origin(max(trace.lengths.values())) as (origin, origin_port):
        with tempfile.TemporaryDirectory() as folder, Launcher(Path(folder), None) as launcher:
            room = room_for(name, size_bytes)
            site = Site(Path(folder) / "site", free_port(), origin_port, 1, room=room)
            site.folder.mkdir()
            command = (
                peer_command(site, name)
                if rule is None
                else edge_command(site, size_bytes, rule, admin, ahead)
            )
            server = launcher.start(name, command.words, site.port, env=command.env)
            await asyncio.to_thread(wait_until_it_answers, server, ready_path(name))
            sent_before = origin.sent_bytes
            viewers = Viewers(trace, name, site.port, origin)
            took, held = await _play(viewers, sessions, name, site.folder)
            own = None if is_peer else await asyncio.to_thread(_fill_bytes, admin)
    counted = BLOCK_BYTES * (len(trace) - int(len(trace) * _WARMUP))
    plain = parse_rule(_KNOWN_FOR.get(name, name), _DAY, 3 * _DAY)
    return Figures(
        miss_ratio=(origin.sent_bytes - viewers.warm_bytes) / counted,
        origin_bytes=origin.sent_bytes - sent_before,
        own_bytes=own,
        simulated=replay(trace, plain, size_bytes, _WARMUP).byte_miss_ratio,
        held_bytes=held,
        seconds=took,
    )


async def _play(viewers: Viewers, sessions: int, name: str, folder: Path) -> tuple[float, int]:
    """Seconds that all of it took, and the most bytes the cache was seen to take."""
    started = asyncio.get_running_loop().time()
    watching = asyncio.gather(*(viewers.watch() for _ in range(sessions)))
    most = 0
    while not watching.done():
        await asyncio.wait([watching], timeout=_LOOK_SECONDS)
        most = max(most, await asyncio.to_thread(held_bytes, name, folder))
    await watching
    return asyncio.get_running_loop().time() - started, most


def _compressed(name: str, trace: Trace, seconds: float) -> Rule:
    share = seconds / (trace.times[-1] - trace.times[0])
    return parse_rule(name, max(1.0, _DAY * share), max(1.0, 3 * _DAY * share))


def _fill_bytes(admin: int) -> int:
    with urllib.request.urlopen(f"http://{HOST}:{admin}/metrics") as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("cinedge_edge_fill_bytes_total"):
                return int(float(line.split()[-1]))
    raise ValueError("the edge does not say what it fetched")


def as_blocks(trace: Trace) -> Trace:
    """The same requests, each unit a block."""
    for place in range(len(trace)):
        trace.sizes[place] = trace.asked[place] = BLOCK_BYTES
    return trace


def row_of(name: str, figures: Figures) -> list[str]:
    """A line of the table."""
    return [
        name,
        format_number(figures.miss_ratio, 4),
        format_number(figures.simulated, 4),
        format_number(figures.origin_bytes, 0),
        format_number(figures.own_bytes, 0),
        format_number(figures.held_bytes / (1 << 20), 1) + " MiB",
        format_number(figures.seconds, 0),
    ]


def main() -> None:
    """Prints a table with a line for each cache."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trace", type=Path)
    parser.add_argument("--size", type=parse_size, default=40 << 20)
    parser.add_argument("--policy", default="lru,duel")
    parser.add_argument("--peers", default="")
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=60.0, help="about how long one run takes")
    parser.add_argument("--read-ahead", type=int, default=0)
    args = parser.parse_args()
    trace = as_blocks(read_trace(args.trace, None))
    rows: list[list[str]] = [list(_HEADINGS)]
    for name in filter(None, [*args.policy.split(","), *args.peers.split(",")]):
        run = measure(trace, name, args.size, args.sessions, args.seconds, args.read_ahead)
        rows.append(row_of(name, asyncio.run(run)))
        print(*rows[-1], file=sys.stderr, flush=True)
    print(lay_out(rows))


if __name__ == "__main__":
    main()

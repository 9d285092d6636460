"""What read-ahead gives and costs: the sessions of a trace as players at a real edge.

    python -m scripts.benchmark.sessions TRACE --size 40MiB --policy lru --read-ahead 0,4

Each session is a connection of its own that asks for its pieces at the trace's times, compressed.
A piece is one block of a generated film, as in `scripts.benchmark.traffic`. The trace needs a
column `session` beside the usual ones.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import itertools
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Final

from config.units import parse_size
from edge.cache.policy.named import parse_rule
from scripts.benchmark.counting_origin import BLOCK_BYTES, CountingOrigin, counting_origin
from scripts.benchmark.equal_caches import edge_command
from scripts.benchmark.launch import HOST, Launcher, free_port, wait_until_it_answers
from scripts.benchmark.peers import Site
from scripts.cli.errors import FailedError
from scripts.simulation.lines import open_lines

_WARMUP: Final = 0.25


@dataclass(frozen=True, slots=True)
class Piece:
    """One request: at which second of the run, for which block of which film."""

    at_seconds: float
    film: str
    block: int


@dataclass(frozen=True, slots=True)
class Gain:
    """After the warm-up: of sessions' later pieces how many, and how many as what."""

    later: int
    hits: int
    on_their_way: int
    origin_bytes: int
    late_seconds: float

    @property
    def ready_share(self) -> float:
        """Later pieces that were held, or had been asked for before their viewer asked."""
        return (self.hits + self.on_their_way) / max(1, self.later)


def read_sessions(path: Path, seconds: float, rows_max: int | None = None) -> list[list[Piece]]:
    """Sessions in the order of their first piece, `seconds` long in all. Raises FailedError.

    `rows_max` takes so many rows from the beginning of the trace.
    """
    with open_lines(path) as lines:
        rows = list(csv.DictReader(lines))[:rows_max]
    if not rows or "session" not in rows[0]:
        raise FailedError(f"{path}: no column that says which session a row is of")
    grain = gcd(*(int(row["offset"]) for row in rows)) or 1
    began, ended = float(rows[0]["time"]), float(rows[-1]["time"])
    sessions: dict[str, list[Piece]] = {}
    for row in rows:
        at = (float(row["time"]) - began) * seconds / (ended - began)
        piece = Piece(at, row["key"], int(row["offset"]) // grain)
        sessions.setdefault(row["session"], []).append(piece)
    return list(sessions.values())


class Players:
    """All sessions, each on a connection of its own."""

    def __init__(self, port: int, origin: CountingOrigin, warm_pieces: int) -> None:
        self._port = port
        self._origin = origin
        self._warm_pieces = warm_pieces
        self._asked = 0
        self._told: Counter[bytes] = Counter()
        self._warm_bytes = 0
        self._late_seconds = 0.0

    async def play(self, sessions: Sequence[Sequence[Piece]]) -> Gain:
        """Play them at their times. Raises ValueError for an answer that is none."""
        began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for pieces in sessions:
                group.create_task(self._session(pieces, began))
        told = self._told
        sent = self._origin.sent_bytes - self._warm_bytes
        return Gain(told.total(), told[b"hit"], told[b"coming"], sent, self._late_seconds)

    async def _session(self, pieces: Sequence[Piece], began: float) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(began + pieces[0].at_seconds - loop.time())
        reader, writer = await asyncio.open_connection(HOST, self._port)
        for place, piece in enumerate(pieces):
            await asyncio.sleep(began + piece.at_seconds - loop.time())
            self._late_seconds = max(self._late_seconds, loop.time() - began - piece.at_seconds)
            if self._asked == self._warm_pieces:
                self._warm_bytes = self._origin.sent_bytes
            self._asked += 1
            is_counted = place > 0 and self._asked > self._warm_pieces
            status = await _ask(reader, writer, piece)
            if is_counted:
                self._told[_outcome(status)] += 1
        writer.close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, piece: Piece) -> bytes:
    start = piece.block * BLOCK_BYTES
    writer.write(
        b"GET /films/%b.mp4 HTTP/1.1\r\nHost: cdn\r\nRange: bytes=%d-%d\r\n\r\n"
        % (piece.film.encode(), start, start + BLOCK_BYTES - 1)
    )
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 206"):
        raise ValueError(f"not a part: {head!r}")
    await reader.readexactly(BLOCK_BYTES)
    _, _, rest = head.lower().partition(b"\r\ncache-status:")
    return rest.partition(b"\r\n")[0]


def _outcome(status: bytes) -> bytes:
    if b"; hit" in status:
        return b"hit"
    return b"coming" if b"readahead-late" in status else b"miss"


async def measure(
    sessions: Sequence[Sequence[Piece]], policy: str, size_bytes: int, ahead: int, seconds: float
) -> Gain:
    """Play the sessions against an edge that reads `ahead` blocks ahead at most."""
    count = sum(map(len, sessions))
    blocks = 1 + max(piece.block for pieces in sessions for piece in pieces)
    rule = parse_rule(policy, max(1.0, seconds), max(1.0, 3 * seconds))
    async with counting_origin(blocks) as (origin, origin_port):
        with tempfile.TemporaryDirectory() as folder, Launcher(Path(folder), None) as launcher:
            site = Site(Path(folder) / "site", free_port(), origin_port, 1)
            site.folder.mkdir()
            command = edge_command(site, size_bytes, rule, free_port(), ahead)
            server = launcher.start("edge", command.words, site.port, env=command.env)
            await asyncio.to_thread(wait_until_it_answers, server, "/films/ready.mp4")
            players = Players(site.port, origin, int(count * _WARMUP))
            return await players.play(sessions)


def main() -> None:
    """Prints a line for each policy and reach."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trace", type=Path)
    parser.add_argument("--size", type=parse_size, default=40 << 20)
    parser.add_argument("--rows", type=int, help="so many from the beginning, instead of all")
    parser.add_argument("--policy", default="lru")
    parser.add_argument("--read-ahead", default="0,4", help="blocks, one run each")
    parser.add_argument(
        "--seconds", type=float, default=100.0, help="the trace's length is so much"
    )
    args = parser.parse_args()
    sessions = read_sessions(args.trace, args.seconds, args.rows)
    reaches = [int(word) for word in args.read_ahead.split(",")]
    for policy, ahead in itertools.product(args.policy.split(","), reaches):
        gain = asyncio.run(measure(sessions, policy, args.size, ahead, args.seconds))
        print(policy, ahead, f"{gain.ready_share:.4f}", gain, flush=True)


if __name__ == "__main__":
    main()

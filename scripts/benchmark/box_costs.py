"""What one cache for all workers of a box costs: memory over all workers, and hits on what another
worker owns.

`python -m scripts.benchmark.box_costs memory DIRECTORY --workers 4` makes caches as
`scripts.benchmark.capacity` does, starts a box on each, has every worker borrow every film, and
tells the bytes that each block of the larger costs over all workers.

`python -m scripts.benchmark.box_costs hits` asks one worker of two for objects of its own and for
objects of the other, in turns, and tells the CPU time of both workers for each request.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from edge.cache.shelves import owner_of
from edge.entry import name_of
from scripts.benchmark.box import (
    RunningBox,
    ask,
    connections_by_worker,
    cpu_nanoseconds,
    peak_bytes,
    running_box,
    wait_for,
)
from scripts.benchmark.capacity import BLOCK_BYTES, BUDGET_BYTES, make_cache
from scripts.cli.errors import FailedError

_ROOM_BYTES: Final = 1 << 50
_NOBODY: Final = "http://127.0.0.1:9"
_SMALL_BYTES: Final = 4096
_OBJECTS: Final = 16
_ROUNDS: Final = 7
_REQUESTS: Final = 8000


def memory_bytes(path: Path, workers: int, objects: int) -> tuple[int, int]:
    """Peak memory of all workers: once they serve, and once each knows every film."""
    with running_box(path, _ROOM_BYTES, workers, _NOBODY, BLOCK_BYTES) as box:
        wait_for(box, workers)
        loaded = peak_bytes(box.workers)
        for connections in connections_by_worker(box, workers, 1):
            for number in range(objects):
                # Its owner says what it holds; no content is read for this answer.
                line = f'If-None-Match: "{number}"'
                status, _ = ask(connections[0], f"/films/{number}.mp4", line)
                if status != 304:
                    raise FailedError(f"film {number} is answered by {status}")
        return loaded, peak_bytes(box.workers)


def measure_memory(directory: Path, workers: int, objects: int, blocks: int) -> int:
    """Tell the bytes a block; 0 when they are within the budget."""
    found: list[tuple[int, int]] = []
    few = max(1, objects // 5)
    for count in (few, objects):
        path = directory / f"{count}x{blocks}"
        if not path.exists():
            make_cache(path, count, blocks)
        found.append(memory_bytes(path, workers, count))
    small, large = found
    more = (objects - few) * blocks
    loaded, borrowed = ((large[at] - small[at]) / more for at in (0, 1))
    print(
        f"{workers} workers, {objects * blocks} blocks: {loaded:.1f} bytes for each block beyond "
        f"the first {few * blocks} over all workers when they serve, {borrowed:.1f} when every "
        f"worker has borrowed every film (peak resident; at most {BUDGET_BYTES})"
    )
    return 0 if borrowed <= BUDGET_BYTES else 1


def measure_hits(rounds: int, requests: int) -> int:
    """Tell the CPU time of a hit on own and on borrowed objects; 0 unless something fails."""
    with contextlib.ExitStack() as stack:
        origin = stack.enter_context(_small_objects())
        cache = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        box = stack.enter_context(running_box(cache, 1 << 30, 2, origin, 1 << 20))
        wait_for(box, 2)
        connection = connections_by_worker(box, 2, 1)[0][0]
        own, borrowed = _targets(0), _targets(1)
        for target in [*own, *borrowed] * 3:
            ask(connection, target)
        ratios: list[float] = []
        costs: list[tuple[float, float]] = []
        for _ in range(rounds):
            mine = _cpu_us(box, connection, own, requests)
            others = _cpu_us(box, connection, borrowed, requests)
            costs.append((mine, others))
            ratios.append(others / mine)
    mine, others = (statistics.median(each[at] for each in costs) for at in (0, 1))
    print(
        f"hits of {_SMALL_BYTES} bytes in one of 2 workers, CPU time of both: own {mine:.1f} us, "
        f"the other's {others:.1f} us; ratio {statistics.median(ratios):.3f} (median of {rounds} "
        f"rounds of {requests}; {min(ratios):.3f} to {max(ratios):.3f})"
    )
    return 0


def _cpu_us(box: RunningBox, connection: socket.socket, targets: list[str], requests: int) -> float:
    workers = box.workers
    before = cpu_nanoseconds(workers)
    for number in range(requests):
        ask(connection, targets[number % len(targets)])
    return (cpu_nanoseconds(workers) - before) / requests / 1000


def _targets(owner: int) -> list[str]:
    names = [f"/small-{number}" for number in range(_OBJECTS * 8)]
    return [each for each in names if owner_of(name_of(each.encode()), 2) == owner][:_OBJECTS]


@contextlib.contextmanager
def _small_objects() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(_SMALL_BYTES))
            self.send_header("Cache-Control", "max-age=86400")
            self.send_header("ETag", '"1"')
            self.end_headers()
            self.wfile.write(bytes(_SMALL_BYTES))

        def log_message(self, *_: Any) -> None:
            """Nothing: the figures say what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main(arguments: list[str]) -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m scripts.benchmark.box_costs")
    ways = parser.add_subparsers(dest="way", required=True)
    memory = ways.add_parser("memory")
    memory.add_argument("directory", type=Path)
    memory.add_argument("--workers", type=int, default=4)
    memory.add_argument("--objects", type=int, default=200)
    memory.add_argument("--blocks", type=int, default=2_500, help="of each object")
    hits = ways.add_parser("hits")
    hits.add_argument("--rounds", type=int, default=_ROUNDS)
    hits.add_argument("--requests", type=int, default=_REQUESTS)
    args = parser.parse_args(arguments)
    if args.way == "hits":
        return measure_hits(args.rounds, args.requests)
    return measure_memory(args.directory, args.workers, args.objects, args.blocks)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

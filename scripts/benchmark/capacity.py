"""What a large cache costs an edge: seconds to the first hit after a start, and bytes a block.

`python -m scripts.benchmark.capacity DIRECTORY` makes a cache of 5 million block files there (some
minutes, 1.3 GB of inodes; one that exists is used again) and starts an edge on it in a process of
its own. All files but one are empty: an edge reads no block before it is wanted. The film that is
asked for stands on shelf f0, which nobody asking would be among the last to be read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cdnkit.fields import FieldLines, Pair
from cdnkit.freshness import CDN, assess
from config.topology import Address, CacheDisk, EdgeNode, EdgeSettings, Route, Site, Topology
from edge.app import worker
from edge.cache.disk import Disk
from edge.cache.records import record_of
from edge.entry import Entry, StoredHead

BLOCK_BYTES: Final = 4 << 20
FIRST_BLOCKS: Final = 100_000
"""Blocks that the budget does not count."""
BUDGET_BYTES: Final = 150
BUDGET_SECONDS: Final = 10.0
_ROOM_BYTES: Final = 1 << 50
_DAYS_30: Final = 30 * 86_400
_PART: Final = 1024


@dataclass(frozen=True, slots=True)
class Start:
    """How a start went: until the answer was there, until all was found, and the most memory."""

    blocks: int
    seconds: float
    loaded_seconds: float
    peak_bytes: int


def make_cache(path: Path, objects: int, blocks: int) -> None:
    """A cache as a clean stop leaves it, of `objects` films of `blocks` blocks each."""
    disk = Disk(path, _ROOM_BYTES)
    disk.prepare()
    for number in range(objects):
        entry = _film(disk, number, blocks)
        disk.write_entry(entry.object_id, record_of(entry))
        folder = os.path.dirname(disk.block_path(entry.object_id, entry.files_name, 0))
        for block in range(blocks):
            name = f"{folder}/{entry.files_name}-{block}"
            os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o640))
        if number == 0:
            content = memoryview(bytes(BLOCK_BYTES))
            disk.write_block(entry.object_id, entry.files_name, 0, content)
    disk.close()


async def first_hit(path: Path, tell: Callable[[int], None]) -> None:
    """Start an edge on the cache and get a part of the first film.

    Tells how many blocks are known then, and again once all are.
    """
    node = EdgeNode(
        name="edge-1",
        site="here",
        listen=Address("127.0.0.1", 0),
        disks=(CacheDisk(str(path), _ROOM_BYTES),),
        settings=EdgeSettings(block_bytes=BLOCK_BYTES, access_log="", scrub_bytes_per_second=0),
    )
    # Nobody listens at the origin: what comes can only come out of the cache.
    route = Route(prefix="/", upstream=("http://127.0.0.1:9",))
    topology = Topology(sites=(Site("here", 0.0, 0.0),), edges=(node,), routes=(route,))
    async with worker(node, topology) as running:
        reader, writer = await asyncio.open_connection(running.address.host, running.address.port)
        request = f"GET /films/0.mp4 HTTP/1.1\r\nHost: e\r\nRange: bytes=0-{_PART - 1}\r\n\r\n"
        writer.write(request.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 206 "):
            raise RuntimeError(f"not a hit: {head!r}")
        if await reader.readexactly(_PART) != bytes(_PART):
            raise RuntimeError("other bytes than were written")
        tell(running.holdings.held_blocks)
        await running.holdings.loading.finished()
        tell(running.holdings.held_blocks)
        writer.close()


def start_on(path: Path) -> Start:
    """The same in a process of its own, timed from before it is started."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "scripts.benchmark.capacity", "--start", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        told = [
            (time.perf_counter() - began, json.loads(line))
            for line in child.stdout or ()
            if line.startswith("{")
        ]
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    (seconds, _), (loaded_seconds, said) = told
    return Start(said["blocks"], seconds, loaded_seconds, said["peak_bytes"])


def bytes_per_block(small: Start, large: Start) -> float:
    """Memory for each block that only the larger cache has."""
    return (large.peak_bytes - small.peak_bytes) / (large.blocks - small.blocks)


def main(arguments: list[str]) -> int:
    """Measure and tell; 0 when both budgets hold."""
    parser = argparse.ArgumentParser(prog="python -m scripts.benchmark.capacity")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--objects", type=int, default=2_000)
    parser.add_argument("--blocks", type=int, default=2_500, help="of each object")
    parser.add_argument("--start", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.start:
        asyncio.run(first_hit(args.directory, _tell))
        return 0
    started = []
    for objects in (max(1, FIRST_BLOCKS // args.blocks), args.objects):
        path = args.directory / f"{objects}x{args.blocks}"
        if not path.exists():
            make_cache(path, objects, args.blocks)
        started.append(start_on(path))
    small, large = started
    each = bytes_per_block(small, large)
    print(
        f"{large.blocks} blocks: first hit after {large.seconds:.2f} s (from exec; at most "
        f"{BUDGET_SECONDS:.0f}), all found after {large.loaded_seconds:.2f} s, "
        f"{each:.1f} bytes for each block beyond the first {small.blocks} "
        f"(peak resident; at most {BUDGET_BYTES}), {large.peak_bytes >> 20} MiB in all"
    )
    return 0 if each <= BUDGET_BYTES and large.seconds <= BUDGET_SECONDS else 1


def _tell(blocks: int) -> None:
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"blocks": blocks, "peak_bytes": peak_bytes}), flush=True)


def _film(disk: Disk, number: int, blocks: int) -> Entry:
    pairs: list[Pair] = [
        (b"etag", b'"%d"' % number),
        (b"content-type", b"video/mp4"),
        (b"cache-control", b"max-age=%d" % _DAYS_30),
    ]
    now = time.time()
    freshness = assess(200, FieldLines(pairs), now, now, CDN)
    head = StoredHead(200, pairs, now, now, freshness)
    entry = Entry(b"/films/%d.mp4" % number, head, blocks * BLOCK_BYTES, BLOCK_BYTES, (), disk)
    entry.files_name = f"{entry.version}.1.{number + 1:x}"
    return entry


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

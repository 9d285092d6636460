"""What the generator costs over millions of events: wall time and peak memory of each engine.

    python -m scripts.benchmark.batch --events 1000000,3000000,10000000 --engines duckdb,spark

Each engine runs in a process of its own, over the same files: an event for each half hour that one
of a profile's evenings takes, titles by a power law. Memory is that of the process and all that
descend from it, looked at five times a second.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from origin.batch.engines import open_engine
from origin.batch.generate import generate
from origin.batch.generator.terms import Terms
from origin.batch.parquet import ACTIVITY, PART_ROWS, TITLES
from scripts.benchmark import procfs

END: Final = 1_790_000_000.0
DAYS: Final = 90
TITLE_COUNT: Final = 20_000
EVENTS_OF_A_PROFILE: Final = 100
_GENRES: Final = np.array(["Drama", "Comedy", "Crime", "Western", "Horror", "War", "Family", ""])
_REGIONS: Final = np.array(["DE", "FR", "IT", "GB", ""])
_LOOK_SECONDS: Final = 0.2


def make_events(first: int, count: int, total: int, seed: int = 1) -> pa.Table:
    """Events `[first, first + count)` of a log of `total`, in the order of time."""
    chance = np.random.default_rng([seed, first])
    profile = chance.integers(0, max(total // EVENTS_OF_A_PROFILE, 1), count)
    title = (chance.pareto(0.8, count) * 20).astype(np.int64) % TITLE_COUNT
    number = np.arange(first, first + count) + 1
    at = END - DAYS * 86_400.0 * (1 - number / total)
    texts = {
        "event": np.char.add("e", number.astype(str)),
        "account": np.char.add("a", (profile // 3).astype(str)),
        "profile": np.char.add("p", profile.astype(str)),
        "title": np.char.add("t", title.astype(str)),
        "region": _REGIONS[profile % len(_REGIONS)],
        "kind": np.full(count, "heartbeat"),
        "words": np.full(count, ""),
    }
    numbers = {
        "number": number,
        "at": at,
        "position_seconds": np.zeros(count),
        "watched_seconds": chance.integers(300, 1_800, count).astype(float),
        "value": np.zeros(count),
    }
    return pa.table({name: {**texts, **numbers}[name] for name in ACTIVITY.names}, schema=ACTIVITY)


def make_titles() -> pa.Table:
    """Titles of a hundred minutes, by genre in turns."""
    rows = [
        {
            **{"title": f"t{n}", "name": f"Film {n}", "genre": str(_GENRES[n % len(_GENRES)])},
            **{"genres": [], "year": 2000, "age": 0, "duration_seconds": 6000.0, "version": 1},
        }
        for n in range(TITLE_COUNT)
    ]
    return pa.Table.from_pylist(rows, schema=TITLES)


def write_log(folder: Path, events: int) -> list[str]:
    """The log as a snapshot has it, in parts; where they are."""
    paths = []
    for first in range(0, events, PART_ROWS):
        path = folder / f"log-{events}-{first}.parquet"
        count = min(PART_ROWS, events - first)
        parquet.write_table(make_events(first, count, events), path, compression="zstd")
        paths.append(str(path))
    return paths


def run(name: str, log: Sequence[str], titles: str) -> tuple[float, float, int]:
    """One engine over one log: seconds to open it, seconds to all rows, rows."""
    began = time.perf_counter()
    engine = open_engine(name)
    opened = time.perf_counter()
    try:
        tables = engine.table("activity", log), engine.table("titles", [titles])
        found = generate(engine, *tables, END, Terms())
        wanted: Sequence[Any] = (
            *(found.lists.recommendations, found.lists.popular, found.lists.neighbours),
            *(found.hourly, found.baselines),
        )
        rows = sum(batch.num_rows for table in wanted for batch in engine.batches(table))
    finally:
        engine.close()
    return opened - began, time.perf_counter() - opened, rows


class PeakMemory:
    """The most memory that a process and its descendants had while the context was open."""

    def __init__(self, pid: int) -> None:
        self.size_bytes = 0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            now = procfs.pss_bytes(procfs.family(self._pid))
            self.size_bytes = max(self.size_bytes, now)


def main() -> None:
    """Prints a line for each log and engine."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--events", default="1000000,3000000,10000000")
    parser.add_argument("--engines", default="duckdb,spark")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cinedge-batch-") as scratch:
        titles = Path(scratch) / "titles.parquet"
        parquet.write_table(make_titles(), titles)
        for events in map(int, args.events.split(",")):
            log = write_log(Path(scratch), events)
            for name in args.engines.split(","):
                print(f"{events:>11,} events {measure(name, log, str(titles))}", flush=True)


def measure(name: str, log: Sequence[str], titles: str) -> str:
    """One engine over one log in a process of its own, as a line."""
    # A pool of one: its only process is the one that is looked at.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        (pid,) = pool.map(_pid, [None])
        with PeakMemory(pid) as memory:
            opened, seconds, rows = pool.apply(run, (name, log, titles))
    return (
        f"{name:7} open {opened:6.1f} s  rows {seconds:7.1f} s  "
        f"{memory.size_bytes >> 20:6,} MiB  {rows:>10,} rows  load {os.getloadavg()[0]:.0f}"
    )


def _pid(_: None) -> int:
    return os.getpid()


if __name__ == "__main__":
    main()

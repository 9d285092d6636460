"""What a snapshot of millions of events costs: wall time, peak memory, bytes, and a second one.

    python -m scripts.benchmark.snapshots --events 1000000,3000000,10000000

The log is that of `scripts.benchmark.batch`, in a SQLite catalog; the second snapshot finds nothing
new. Memory is that of a process which does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Final

from origin.batch.destination import Folder
from origin.batch.snapshot import make_snapshot
from origin.catalog.database import open_database, parse_database_url
from origin.catalog.tables import activity
from scripts.benchmark.batch import END, PeakMemory, make_events

_LOT: Final = 200_000
_COLUMNS: Final = tuple(column.name for column in activity.columns)


def fill(folder: Path, events: int) -> None:
    """A new catalog in a folder, with a log of so many events."""
    folder.mkdir()
    asyncio.run(_migrate(folder))
    marks = ",".join("?" * len(_COLUMNS))
    statement = f"INSERT INTO {activity.name} ({','.join(_COLUMNS)}) VALUES ({marks})"
    with sqlite3.connect(str(parse_database_url("", folder).database)) as connection:
        for first in range(0, events, _LOT):
            lot = make_events(first, min(_LOT, events - first), events)
            columns = [lot.column(name).to_pylist() for name in _COLUMNS]
            connection.executemany(statement, zip(*columns, strict=True))
    connection.close()


def snapshot(folder: Path, into: Path) -> tuple[float, int, int]:
    """One snapshot: seconds, rows, and days that were written."""

    async def made() -> tuple[int, int]:
        database = await open_database(parse_database_url("", folder))
        try:
            done = await make_snapshot(database, Folder(into), lambda: END)
        finally:
            await database.close()
        return sum(day.rows for day in done.manifest.days), done.days_written

    began = time.perf_counter()
    rows, written = asyncio.run(made())
    return time.perf_counter() - began, rows, written


def measure(scratch: Path, events: int) -> str:
    """A log of so many events and two snapshots of it, as a line."""
    folder, into = scratch / f"{events}", scratch / f"snapshots-{events}"
    fill(folder, events)
    # A pool of one: its only process is the one that is looked at.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        (pid,) = pool.map(_pid, [None])
        with PeakMemory(pid) as memory:
            seconds, rows, days = pool.apply(snapshot, (folder, into))
        again, _, written = pool.apply(snapshot, (folder, into))
    size_bytes = sum(each.stat().st_size for each in into.rglob("*") if each.is_file())
    shutil.rmtree(folder)
    return (
        f"{rows:>11,} rows in {days} days {seconds:7.1f} s  {memory.size_bytes >> 20:6,} MiB  "
        f"{size_bytes >> 20:6,} MiB of files  again {again:5.1f} s, {written} days  "
        f"load {os.getloadavg()[0]:.0f}"
    )


def main() -> None:
    """Prints a line for each log."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--events", default="1000000,3000000,10000000")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cinedge-snapshots-") as scratch:
        for events in map(int, args.events.split(",")):
            print(measure(Path(scratch), events), flush=True)


async def _migrate(folder: Path) -> None:
    database = await open_database(parse_database_url("", folder))
    await database.close()


def _pid(_: None) -> int:
    return os.getpid()


if __name__ == "__main__":
    main()

"""The made-up log is the same however it is cut, and an engine's cost is that of its processes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from pyarrow import parquet

from origin.batch.generator.terms import Terms
from scripts.benchmark import batch, procfs


def test_log_is_made_in_the_order_of_time_and_numbered_through(tmp_path: Path) -> None:
    one, two = batch.make_events(0, 50, 80), batch.make_events(50, 30, 80)
    numbers = [*one.column("number").to_pylist(), *two.column("number").to_pylist()]
    moments = [*one.column("at").to_pylist(), *two.column("at").to_pylist()]
    assert numbers == list(range(1, 81))
    assert moments == sorted(moments)
    assert moments[-1] == batch.END
    assert batch.make_events(50, 30, 80).equals(two)
    (path,) = batch.write_log(tmp_path, 80)
    assert parquet.read_table(path).num_rows == 80


def test_engine_gives_rows_for_the_log(tmp_path: Path) -> None:
    titles = tmp_path / "titles"
    parquet.write_table(batch.make_titles(), titles)
    opened, seconds, rows = batch.run("duckdb", batch.write_log(tmp_path, 2_000), str(titles))
    assert opened > 0
    assert seconds > 0
    assert rows > 20 * Terms().items_max


def test_peak_is_at_least_what_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = threading.Event()
    real = procfs.pss_bytes

    def look(pids: Iterable[int]) -> int:
        found = real(pids)
        looked.set()
        return found

    monkeypatch.setattr(procfs, "pss_bytes", look)
    held = os.urandom(1 << 20) * 32
    with batch.PeakMemory(os.getpid()) as memory:
        assert looked.wait(30)
    assert memory.size_bytes > len(held)

"""A box to measure: every connection is known by its worker."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.benchmark import procfs
from scripts.benchmark.box import (
    connections_by_worker,
    cpu_nanoseconds,
    peak_bytes,
    running_box,
    wait_for,
)
from scripts.cli.errors import FailedError

MIB = 1 << 20


def test_connections_are_told_apart_by_their_worker(tmp_path: Path) -> None:
    with running_box(tmp_path, 64 * MIB, 2, "http://127.0.0.1:9", MIB) as box:
        wait_for(box, 2)
        found = connections_by_worker(box, 2, 1)
        assert all(found)
        assert len(box.workers) == 2
        assert peak_bytes(box.workers) > 20 * MIB
        for each in found[0] + found[1]:
            each.close()
    assert not procfs.cpu_seconds(box.workers)


def test_time_on_a_processor_is_counted_finer_than_ticks() -> None:
    before = cpu_nanoseconds([os.getpid()])
    sum(range(100_000))
    # The kernel counts a thread that runs when a tick interrupts it, or when it lets go.
    os.sched_yield()
    assert 0 < cpu_nanoseconds([os.getpid()]) - before < 1e9


def test_an_edge_that_does_not_come_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.benchmark.box._PATIENCE_SECONDS", 0.0)
    with (
        running_box(tmp_path, 64 * MIB, 2, "http://127.0.0.1:9", MIB) as box,
        pytest.raises(FailedError, match="of 2 workers"),
    ):
        wait_for(box, 2)


def test_a_worker_that_is_alone_is_known_too(tmp_path: Path) -> None:
    with running_box(tmp_path, 64 * MIB, 1, "http://127.0.0.1:9", MIB) as box:
        wait_for(box, 1)
        assert box.workers == [box.parent]

"""Slow is what lies in one directory, for as long as a number says so, and nothing else."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.scenario import slowness
from tests.faults.scenario.slowness import SlowCalls

SECONDS = 0.25


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[float]:
    """How long was waited, in a process whose folder `slow` is."""
    waited: list[float] = []
    names = (*slowness._BY_PATH, *slowness._BY_FILE, *slowness._FROM_CACHE, "close")
    for name in names:
        monkeypatch.setattr(os, name, getattr(os, name))
    (tmp_path / "slow").mkdir()
    (tmp_path / "number").write_bytes(struct.pack("d", SECONDS))
    calls = SlowCalls(waited.append)
    calls.install()
    calls.follow(str(tmp_path / "number"), str(tmp_path / "slow"))
    return waited


def in_a_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_what_lies_in_the_folder_is_slow_to_open_write_sync_and_rename(
    waits: list[float], tmp_path: Path
) -> None:
    file = os.open(tmp_path / "slow" / "a", os.O_CREAT | os.O_RDWR)
    in_a_thread(lambda: os.pwrite(file, b"a", 0))
    os.fsync(file)
    os.close(file)
    os.replace(tmp_path / "slow" / "a", tmp_path / "slow" / "b")
    assert waits == [SECONDS] * 4


def test_the_serving_thread_reads_from_memory(waits: list[float], tmp_path: Path) -> None:
    file = os.open(tmp_path / "slow" / "a", os.O_CREAT | os.O_RDWR)
    os.pwrite(file, b"a", 0)
    assert os.pread(file, 1, 0) == b"a"
    os.close(file)
    assert waits == [SECONDS]


def test_what_lies_elsewhere_is_not_slow(waits: list[float], tmp_path: Path) -> None:
    file = os.open(tmp_path / "slower", os.O_CREAT | os.O_RDWR)
    in_a_thread(lambda: os.pwrite(file, b"a", 0))
    os.fsync(file)
    os.close(file)
    assert waits == []


def test_it_is_over_when_the_number_says_so(waits: list[float], tmp_path: Path) -> None:
    with (tmp_path / "number").open("r+b") as number:
        number.write(struct.pack("d", 0.0))
    os.close(os.open(tmp_path / "slow" / "a", os.O_CREAT | os.O_RDWR))
    assert waits == []

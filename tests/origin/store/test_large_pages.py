"""Bringing bytes in is a hint: what lies in memory afterwards is the file, and nothing fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from origin.store.large_pages import LARGE_BYTES, bring_in
from origin.store.resident import PageCache

SIZE = 2 * LARGE_BYTES + 5000


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    made = os.open(tmp_path / "extent", os.O_RDWR | os.O_CREAT)
    os.pwrite(made, os.urandom(SIZE), 0)
    os.fsync(made)
    os.posix_fadvise(made, 0, 0, os.POSIX_FADV_DONTNEED)
    yield made
    os.close(made)


def test_what_was_asked_for_is_in_memory_then(fd: int) -> None:
    pages = PageCache()
    if pages.holds(fd, 0, SIZE):
        pytest.skip("this file system keeps what it was told to drop")
    bring_in(fd, LARGE_BYTES + 10, LARGE_BYTES + 20, SIZE)
    assert pages.holds(fd, LARGE_BYTES, 2 * LARGE_BYTES)
    assert not pages.holds(fd, 0, SIZE)


@pytest.mark.parametrize(("start", "stop"), [(0, SIZE), (2 * LARGE_BYTES, SIZE), (SIZE - 1, SIZE)])
def test_the_end_of_a_file_is_no_trouble(fd: int, start: int, stop: int) -> None:
    expected = os.pread(fd, SIZE, 0)
    bring_in(fd, start, stop, SIZE)
    assert os.pread(fd, SIZE, 0) == expected


def test_a_file_that_is_shorter_than_told_or_closed_is_left_to_the_reader(fd: int) -> None:
    os.ftruncate(fd, 5)
    bring_in(fd, 0, LARGE_BYTES, SIZE)
    spare = os.dup(fd)
    os.close(spare)
    bring_in(spare, 0, LARGE_BYTES, SIZE)

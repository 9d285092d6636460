"""What is in the page cache is told from what a disk would have to be asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.cache.residency import is_resident

SIZE = 3 << 20


def drop(fd: int) -> None:
    """Have the system forget a file's pages."""
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)


@pytest.fixture
def forgetful(tmp_path: Path) -> None:
    """Skips where pages cannot be dropped, or not be asked for (looking brings them back)."""
    scratch = os.open(tmp_path / "scratch", os.O_RDWR | os.O_CREAT)
    os.write(scratch, bytes(SIZE))
    try:
        for _ in range(20):
            # The journal may hold a page for a moment.
            drop(scratch)
            os.preadv(scratch, [bytearray(1)], SIZE // 2, os.RWF_NOWAIT)
    except BlockingIOError:
        return
    finally:
        os.close(scratch)
    pytest.skip("this file system does not tell what is in the page cache")


@pytest.mark.usefixtures("forgetful")
def test_bytes_just_written_are_there_and_forgotten_ones_are_not(tmp_path: Path) -> None:
    path = tmp_path / "block"
    path.write_bytes(os.urandom(SIZE))
    fd = os.open(path, os.O_RDONLY)
    # Some disks read megabytes ahead of what is asked for, and of a question whether it is there.
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
    try:
        assert is_resident(fd, SIZE)
        drop(fd)
        assert not is_resident(fd, SIZE)
        drop(fd)
        os.pread(fd, 4096, 0)
        assert not is_resident(fd, SIZE), "the beginning alone is not all"
        os.pread(fd, SIZE, 0)
        assert is_resident(fd, SIZE)
    finally:
        os.close(fd)


def test_nothing_is_always_there_and_what_cannot_say_is_taken_as_there(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    fd = os.open(tmp_path / "empty", os.O_RDONLY)
    assert is_resident(fd, 0)
    os.close(fd)
    read_end, write_end = os.pipe()
    assert is_resident(read_end, SIZE), "a pipe has no offsets"
    os.close(read_end)
    os.close(write_end)

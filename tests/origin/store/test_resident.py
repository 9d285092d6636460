"""What is in memory is known to be, on kernels that count pages and on those that do not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from origin.store.resident import PageCache

SIZE_BYTES = 1 << 20


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    """A file that is on the disk and in memory."""
    opened = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    for _ in range(SIZE_BYTES // 4096):
        os.write(opened, os.urandom(4096))  # pages of their own, not one large one
    os.fsync(opened)
    yield opened
    os.close(opened)


@pytest.fixture(params=["pages", "first and last"])
def cache(request: pytest.FixtureRequest) -> PageCache:
    made = PageCache()
    made.counts_pages = request.param == "pages"
    return made


def test_what_was_just_written_is_held(cache: PageCache, fd: int) -> None:
    for start, stop in [(0, SIZE_BYTES), (1, 2), (4095, 4097), (SIZE_BYTES - 1, SIZE_BYTES)]:
        assert cache.holds(fd, start, stop)


def test_what_was_dropped_is_not(cache: PageCache, fd: int) -> None:
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    assert not cache.holds(fd, 0, SIZE_BYTES)
    os.pread(fd, SIZE_BYTES, 0)
    assert cache.holds(fd, 0, SIZE_BYTES)


def test_a_hole_in_the_middle_is_seen_where_pages_are_counted(fd: int) -> None:
    cache = PageCache()
    cache.holds(fd, 0, 1)
    if not cache.counts_pages:
        pytest.skip("this kernel does not count pages")
    os.posix_fadvise(fd, 1 << 19, 1 << 18, os.POSIX_FADV_DONTNEED)
    assert not cache.holds(fd, 0, SIZE_BYTES)


def test_a_closed_file_does_not_end_the_counting() -> None:
    cache = PageCache()
    before = cache.counts_pages
    cache.holds(-1, 0, 1)
    assert cache.counts_pages is before

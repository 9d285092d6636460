"""Windows and files give the bytes that are there, and no others."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.packaging import source
from origin.packaging.boxes import UnplayableError
from origin.packaging.source import SourceFile, Windows

DATA = os.urandom(5000)


def read(start: int, stop: int) -> bytes:
    return DATA[start:stop]


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), max_size=30))
def test_windows_give_the_same_bytes(intervals: list[tuple[int, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "WINDOW_BYTES", 256)
        patch.setattr(source, "WINDOWS_MAX", 3)
        windows = Windows(read, len(DATA))
        for one, two in intervals:
            start, stop = min(one, two), max(one, two)
            assert windows.read(start, stop) == DATA[start:stop]


def test_window_is_read_once() -> None:
    asked: list[tuple[int, int]] = []

    def count(start: int, stop: int) -> bytes:
        asked.append((start, stop))
        return read(start, stop)

    windows = Windows(count, len(DATA))
    windows.read(0, 10)
    windows.read(5, 4000)
    assert asked == [(0, 5000)]


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (0, 5001), (7, 6)])
def test_bytes_outside_are_refused(start: int, stop: int) -> None:
    with pytest.raises(UnplayableError):
        Windows(read, len(DATA)).read(start, stop)


def test_file_seeks_and_ends() -> None:
    file = SourceFile(read, len(DATA))
    assert file.seek(-10, os.SEEK_END) == 4990
    assert file.read() == DATA[4990:]
    assert file.read(5) == b""
    assert file.seek(10) == 10
    assert file.seek(5, os.SEEK_CUR) == 15
    assert file.read(3) == DATA[15:18]
    assert file.tell() == 18
    assert file.readable()
    assert file.seekable()
    file.seek(9000)
    assert file.read(4) == b""

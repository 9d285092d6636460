"""Bytes get into a file as they are, whichever way each of them takes."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from origin.store.outlet import BLOCK_BYTES, Outlet
from origin.store.piece_memory import PIECES
from origin.store.sums import PIECE_BYTES

DATA = os.urandom(PIECE_BYTES)


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    made = os.open(tmp_path / "extent", os.O_RDWR | os.O_CREAT)
    yield made
    os.close(made)


def piece() -> memoryview:
    made = PIECES.take()
    made[:] = DATA
    return made


def content(fd: int, size_bytes: int) -> bytes:
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) & ~os.O_DIRECT)
    return os.pread(fd, size_bytes, 0)


def refuse_direct(*_: object) -> None:
    raise OSError(errno.EINVAL, "Invalid argument")


@pytest.mark.parametrize("start", [0, 1, BLOCK_BYTES, BLOCK_BYTES + 100])
@pytest.mark.parametrize("size_bytes", [1, BLOCK_BYTES, 3 * BLOCK_BYTES + 7, PIECE_BYTES])
def test_every_byte_is_where_it_belongs(fd: int, start: int, size_bytes: int) -> None:
    outlet, end = Outlet(fd), 0
    expected = b""
    # In memory as in the file, then elsewhere in memory, then memory of others; and a footer.
    for part in (piece()[:start], piece()[start:size_bytes], piece()[3:], DATA[:9000], b"end"):
        outlet.put(part, end)
        end += len(part)
        expected += bytes(part)
    assert content(fd, end + 1) == expected


def test_whole_blocks_leave_no_pages_behind(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = []
    write = os.pwrite

    def watched(fd: int, data: Any, offset: int) -> int:
        flags.append(bool(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_DIRECT))
        return write(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", watched)
    outlet = Outlet(fd)
    outlet.put(piece(), 0)
    outlet.put(piece()[: BLOCK_BYTES + 5], PIECE_BYTES)
    if not flags[0]:
        pytest.skip("this file system has no way past the page cache")
    assert flags == [True, True, False]
    assert content(fd, 2 * PIECE_BYTES) == DATA + DATA[: BLOCK_BYTES + 5]


def test_a_file_system_that_knows_no_such_way_is_asked_once(
    fd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = os.open

    def refuse(path: str, flags: int) -> int:
        if flags & os.O_DIRECT:
            asked.append(path)
            refuse_direct()
        return real(path, flags)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        outlet = Outlet(fd)
        for at in range(3):
            outlet.put(piece(), at * PIECE_BYTES)
    assert len(asked) == 1
    assert content(fd, 3 * PIECE_BYTES) == DATA * 3


def test_blocks_refused_at_the_write_go_through_the_cache(
    fd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.pwrite

    def picky(fd: int, data: Any, offset: int) -> int:
        if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_DIRECT:
            refuse_direct()
        return write(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", picky)
    Outlet(fd).put(piece(), 0)
    assert content(fd, PIECE_BYTES) == DATA


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_other_errors_are_told(fd: int, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "pwrite", fail)
    with pytest.raises(OSError, match=os.strerror(number)):
        Outlet(fd).put(piece(), 0)


def test_short_writes_are_gone_on_with(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: write(fd, data[:70_000], at))
    Outlet(fd).put(piece(), 0)
    assert content(fd, PIECE_BYTES) == DATA

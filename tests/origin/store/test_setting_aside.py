"""Blocks are set aside before they are written, where a file system does that."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from origin.store import setting_aside
from origin.store.setting_aside import set_aside

SIZE_BYTES = 3 * 1024 * 1024 + 77


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    made = os.open(tmp_path / "extent", os.O_RDWR | os.O_CREAT)
    yield made
    os.close(made)


def fail_with(monkeypatch: pytest.MonkeyPatch, numbers: list[int]) -> None:
    """Have the system answer so, one after the other, then well."""

    def answer(*_: object) -> int:
        if not numbers:
            return 0
        ctypes.set_errno(numbers.pop(0))
        return -1

    monkeypatch.setattr(setting_aside, "_call", answer)


def test_a_file_is_as_long_as_it_will_be_and_has_its_blocks(fd: int) -> None:
    if not set_aside(fd, SIZE_BYTES):
        pytest.skip("this file system sets nothing aside")
    status = os.fstat(fd)
    assert status.st_size == SIZE_BYTES
    assert status.st_blocks * 512 >= SIZE_BYTES
    assert os.pread(fd, 100, 1000) == bytes(100)


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.ENOSYS])
def test_where_it_is_not_offered_the_file_stays_as_it_is(
    fd: int, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    fail_with(monkeypatch, [number])
    assert not set_aside(fd, SIZE_BYTES)
    assert os.fstat(fd).st_size == 0


def test_a_system_without_it_is_no_error(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setting_aside, "_call", None)
    assert not set_aside(fd, SIZE_BYTES)


def test_a_full_disk_is_told_and_an_interruption_is_not(
    fd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, [errno.EINTR, errno.ENOSPC])
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        set_aside(fd, SIZE_BYTES)

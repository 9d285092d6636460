from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.blockfile import BlockFile


def _opened(path: Path) -> int:
    path.write_bytes(b"abc")
    return os.open(path, os.O_RDONLY)


def test_the_last_holder_closes_the_descriptor(tmp_path: Path) -> None:
    fd = _opened(tmp_path / "a")
    held = BlockFile(fd)
    reader = held
    del held
    assert os.pread(fd, 3, 0) == b"abc"
    del reader
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_removing_the_file_hurts_no_holder(tmp_path: Path) -> None:
    file = BlockFile(_opened(tmp_path / "a"))
    (tmp_path / "a").unlink()
    assert os.pread(file.fd, 3, 0) == b"abc"


def test_a_descriptor_that_is_gone_already_is_passed_over(tmp_path: Path) -> None:
    file = BlockFile(_opened(tmp_path / "a"))
    os.close(file.fd)
    file.__del__()
    file.fd = -1

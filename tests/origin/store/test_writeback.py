"""Beginning to write early is a hint: it never fails and changes no byte."""

from __future__ import annotations

import os
from pathlib import Path

from origin.store.writeback import begin_writeback


def test_a_hint_changes_no_byte_and_an_error_is_left_to_the_fsync(tmp_path: Path) -> None:
    path = tmp_path / "extent"
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    os.pwrite(fd, b"film" * 5000, 0)
    begin_writeback(fd, 0, 20_000)
    begin_writeback(fd, 30_000, 40_000)
    os.close(fd)
    begin_writeback(fd, 0, 20_000)
    assert path.read_bytes() == b"film" * 5000

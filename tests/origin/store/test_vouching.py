"""A piece is trusted after one look, until its file changes or its bytes leave the memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import google_crc32c
import pytest

from origin.store.sums import PIECE_BYTES
from origin.store.vouching import Vouched

DATA = os.urandom(2 * PIECE_BYTES + 500)
SUMS = tuple(
    google_crc32c.value(DATA[at : at + PIECE_BYTES]) for at in range(0, len(DATA), PIECE_BYTES)
)


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    opened = os.open(tmp_path / "extent", os.O_RDWR | os.O_CREAT)
    os.write(opened, DATA)
    os.fsync(opened)
    yield opened
    os.close(opened)


def test_only_what_was_looked_at_is_covered(fd: int) -> None:
    vouched = Vouched(fd, SUMS, len(DATA))
    assert not vouched.covers(0, 1)
    vouched.note(vouched.look(1))
    assert vouched.covers(PIECE_BYTES, 2 * PIECE_BYTES)
    assert not vouched.covers(PIECE_BYTES - 1, PIECE_BYTES + 1)
    assert not vouched.covers(PIECE_BYTES, 2 * PIECE_BYTES + 1)
    for piece in (0, 2):
        assert vouched.look(piece).data == DATA[piece * PIECE_BYTES :][:PIECE_BYTES]
        vouched.note(vouched.look(piece))
    assert vouched.covers(0, len(DATA))


def test_a_change_of_the_file_ends_the_trust_in_all_of_it(fd: int) -> None:
    vouched = Vouched(fd, SUMS, len(DATA))
    for piece in range(3):
        vouched.note(vouched.look(piece))
    os.pwrite(fd, bytes([DATA[7] ^ 1]), 7)
    assert not vouched.covers(PIECE_BYTES, PIECE_BYTES + 1)
    look = vouched.look(0)
    assert look.data is None
    vouched.note(look)
    vouched.note(vouched.look(1))
    assert vouched.covers(PIECE_BYTES, PIECE_BYTES + 1)
    assert not vouched.covers(0, 1)


def test_what_left_the_memory_is_looked_at_again(fd: int) -> None:
    vouched = Vouched(fd, SUMS, len(DATA))
    vouched.note(vouched.look(1))
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    assert not vouched.covers(PIECE_BYTES, PIECE_BYTES + 1)


def test_a_short_file_is_wrong_and_no_error(fd: int) -> None:
    os.ftruncate(fd, len(DATA) - 1)
    assert Vouched(fd, SUMS, len(DATA)).look(2).data is None

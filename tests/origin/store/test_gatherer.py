"""Pieces made of bytes of any length: nothing is lost, and each lies as it will lie in its file."""

from __future__ import annotations

import ctypes
import mmap

from hypothesis import given
from hypothesis import strategies as st

from origin.store.gatherer import Gatherer
from origin.store.piece_memory import PIECES
from origin.store.sums import PIECE_BYTES


@given(
    st.integers(0, 3 * PIECE_BYTES),
    st.integers(PIECE_BYTES // 3, 3 * PIECE_BYTES),
    st.lists(st.integers(0, 2 * PIECE_BYTES), max_size=4),
)
def test_pieces_end_where_mebibytes_and_extents_end(
    start: int, extent_bytes: int, sizes: list[int]
) -> None:
    data = bytes(range(251)) * (sum(sizes) // 251 + 1)
    gatherer, pieces, at = Gatherer(start, extent_bytes), list[bytes](), 0
    for size in sizes:
        pieces += [bytes(piece) for piece in gatherer.add(memoryview(data)[at : at + size])]
        at += size
        assert gatherer.offset == start + at
    end = start
    for piece in pieces:
        end += len(piece)
        within = end % extent_bytes
        assert len(piece) <= PIECE_BYTES
        assert within == 0 or within % PIECE_BYTES == 0
    assert b"".join([*pieces, gatherer.rest()]) == data[:at]
    assert gatherer.rest() == b""


def test_what_was_copied_lies_as_in_its_file() -> None:
    gatherer = Gatherer(5000, 1 << 62)
    assert list(gatherer.add(b"film")) == []
    piece = gatherer.rest()
    assert isinstance(piece, memoryview)
    address = ctypes.addressof(ctypes.c_char.from_buffer(piece))
    assert address % mmap.PAGESIZE == 5000 % mmap.PAGESIZE


def test_a_whole_piece_is_passed_on_as_it_is() -> None:
    for whole in (bytes(PIECE_BYTES), PIECES.take()):
        gatherer = Gatherer(PIECE_BYTES, 1 << 62)
        assert [piece is whole for piece in gatherer.add(whole)] == [True]
        assert gatherer.offset == 2 * PIECE_BYTES
    reused = bytearray(PIECE_BYTES)
    (copied,) = Gatherer(0, 1 << 62).add(reused)
    reused[0] = 1
    assert copied[0] == 0

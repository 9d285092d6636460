"""Checksums by the piece agree with those of the whole, however the bytes come in."""

from __future__ import annotations

import google_crc32c
from hypothesis import given
from hypothesis import strategies as st

from origin.store.sums import PIECE_BYTES, PieceSums, combine_crc32c, piece_count


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_two_checksums_combine_to_that_of_both_texts(first: bytes, second: bytes) -> None:
    combined = combine_crc32c(google_crc32c.value(first), google_crc32c.value(second), len(second))
    assert combined == google_crc32c.value(first + second)


@given(st.integers(0, 5 * PIECE_BYTES // 2), st.lists(st.integers(1, PIECE_BYTES * 2), max_size=8))
def test_any_cut_gives_the_sums_of_the_pieces_and_of_the_whole(
    size_bytes: int, cuts: list[int]
) -> None:
    data = bytes(range(251)) * (size_bytes // 251 + 1)
    data = data[:size_bytes]
    sums = PieceSums()
    rest = data
    for cut in cuts:
        sums.add(rest[:cut])
        rest = rest[cut:]
    sums.add(rest)
    pieces = [data[at : at + PIECE_BYTES] for at in range(0, size_bytes, PIECE_BYTES)]
    assert sums.pieces == tuple(google_crc32c.value(piece) for piece in pieces)
    assert sums.whole == google_crc32c.value(data)
    assert len(sums.pieces) == piece_count(size_bytes)

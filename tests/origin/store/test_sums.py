"""Checksums by the piece agree with those of the whole, however the bytes come in."""

from __future__ import annotations

from itertools import accumulate, pairwise
from random import Random

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


@given(st.lists(st.integers(1, PIECE_BYTES), max_size=5), st.randoms())
def test_parts_may_come_in_any_order(cuts: list[int], chance: Random) -> None:
    ends = sorted({*accumulate(cuts), *range(0, sum(cuts), PIECE_BYTES), sum(cuts)})
    data = (bytes(range(251)) * (sum(cuts) // 251 + 1))[: sum(cuts)]
    parts = [(start, data[start:stop]) for start, stop in pairwise(ends)]
    chance.shuffle(parts)
    sums, expected = PieceSums(), PieceSums()
    for start, part in parts:
        sums.place(start, google_crc32c.value(part), len(part))
    expected.add(data)
    assert (sums.pieces, sums.whole) == (expected.pieces, expected.whole)


def test_parts_count_once_all_before_them_are_here() -> None:
    sums = PieceSums()
    sums.place(3, google_crc32c.value(b"def"), 3)
    assert (sums.pieces, sums.whole) == ((), 0)
    sums.add(b"abc")
    sums.place(6, google_crc32c.value(b"g"), 1)
    assert sums.whole == google_crc32c.value(b"abcdefg")

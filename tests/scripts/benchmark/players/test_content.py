"""Films are told apart by their bytes, and made in any pieces they are the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scripts.benchmark.players.content import bytes_of, chunks_of

SIZE = (1 << 20) + 12_345


@given(st.integers(0, 60), st.integers(0, SIZE - 1), st.integers(1, 70_000))
def test_a_piece_is_that_part_of_the_film(film: int, start: int, length: int) -> None:
    stop = min(SIZE, start + length)
    assert b"".join(chunks_of(film, SIZE))[start:stop] == bytes_of(film, start, stop)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 1 << 30))
def test_the_same_piece_of_two_films_differs(one: int, other: int, start: int) -> None:
    same = bytes_of(one, start, start + 64) == bytes_of(other, start, start + 64)
    assert same == (one == other)

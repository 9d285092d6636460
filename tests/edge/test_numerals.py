"""Numerals are those of the numbers, and never too many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.numerals import NUMERALS_MAX, Numerals


@given(st.lists(st.integers(0)))
def test_a_numeral_is_the_decimal_text_with_its_suffix(numbers: list[int]) -> None:
    plain, ended = Numerals(), Numerals(b"\r\n")
    for number in numbers * 2:
        assert plain[number] == str(number).encode()
        assert ended[number] == str(number).encode() + b"\r\n"


def test_memory_is_bounded() -> None:
    numerals = Numerals()
    for number in range(3 * NUMERALS_MAX):
        assert numerals[number] == b"%d" % number
        assert len(numerals) <= NUMERALS_MAX

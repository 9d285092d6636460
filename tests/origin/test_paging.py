"""Query parameters are read strictly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from cdnkit.errors import BadRequestError
from origin.paging import Page, parse_count, parse_page


def test_defaults() -> None:
    assert parse_page(MultiDict()) == Page("", "", 100)


@given(value=st.integers(-5, 1200), maximum=st.none() | st.integers(0, 1000))
def test_numbers_are_accepted_exactly_within_their_bounds(value: int, maximum: int | None) -> None:
    query = MultiDict(n=str(value))
    if value >= 1 and (maximum is None or value <= maximum):
        assert parse_count(query, "n", 7, minimum=1, maximum=maximum) == value
    else:
        with pytest.raises(BadRequestError):
            parse_count(query, "n", 7, minimum=1, maximum=maximum)


@given(text=st.text(max_size=25))
def test_any_text_is_a_number_or_a_clear_refusal(text: str) -> None:
    query = MultiDict(n=text)
    if text.isascii() and text.isdigit() and len(text) <= 18:
        assert parse_count(query, "n", 7, maximum=None) == int(text)
    else:
        with pytest.raises(BadRequestError, match="'n'"):
            parse_count(query, "n", 7, maximum=None)


@pytest.mark.parametrize("query", [[("x", "1")], [("limit", "1"), ("limit", "2")]])
def test_unknown_and_repeated_parameters_are_refused(query: list[tuple[str, str]]) -> None:
    with pytest.raises(BadRequestError):
        parse_page(MultiDict(query))

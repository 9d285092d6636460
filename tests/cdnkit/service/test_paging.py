"""Listings are asked for strictly, and a page says what comes next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from cdnkit.errors import BadRequestError
from cdnkit.service.binding import bind_query
from cdnkit.service.operations import reply
from cdnkit.service.paging import LIMIT_MAX, PageOf, PageQuery, PrefixedPageQuery


def test_defaults() -> None:
    page = bind_query(MultiDict(), PrefixedPageQuery)
    assert (page.prefix, page.after, page.limit) == ("", "", 100)


@given(limit=st.integers(-5, LIMIT_MAX + 5))
def test_limit_is_accepted_exactly_within_its_bounds(limit: int) -> None:
    query = MultiDict(limit=str(limit))
    if 1 <= limit <= LIMIT_MAX:
        assert bind_query(query, PageQuery).limit == limit
    else:
        with pytest.raises(BadRequestError, match="limit"):
            bind_query(query, PageQuery)


def test_listing_without_names_takes_no_prefix() -> None:
    with pytest.raises(BadRequestError, match="after, limit"):
        bind_query(MultiDict(prefix="a"), PageQuery)


def test_end_of_a_listing_is_said() -> None:
    class Numbers(PageOf[int]):
        """Some numbers."""

    assert reply(Numbers(items=[1, 2], next=None)).text == '{"items":[1,2],"next":null}'

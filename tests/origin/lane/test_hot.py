"""Range and id are taken out of a request where that is surely all there is of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.validators import Validators
from origin.lane.heads import Asked
from origin.lane.hot import HotHeads, cut_head
from origin.reply import say
from origin.store.base import StoredObject

HEAD = b"GET /v1/content/a HTTP/1.1\r\nHost: a\r\n"
FOUND = (StoredObject("a", 1, 9, 9), say(9, "video/mp4", Validators(), "no-store", None))


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**9 - 1))
def test_requests_that_differ_in_range_and_id_have_one_stem(first: int, last: int) -> None:
    text = b"%bRange: bytes=%d-%d\r\nVia: x\r\nX-Request-Id: id-%d\r\n\r\n"
    cut = cut_head(text % (HEAD, first, last, first))
    assert cut is not None
    assert (cut.first, cut.stop, cut.request_id) == (first, last + 1, b"id-%d" % first)
    assert cut.stem == HEAD + b"Via: x\r\n\r\n"


def test_without_an_id_there_is_none() -> None:
    cut = cut_head(HEAD + b"Range: bytes=1-2\r\n\r\n")
    assert cut is not None
    assert cut.request_id == b""
    assert cut.stem == HEAD + b"\r\n"


@pytest.mark.parametrize(
    "rest",
    [
        b"\r\n",
        b"Range: bytes=1-2\r\n",
        b"Range: bytes=1-2\r\n\r\nGET",
        b"Range: bytes=1-\r\n\r\n",
        b"Range: bytes=-2\r\n\r\n",
        b"Range: bytes=1-2,3-4\r\n\r\n",
        b"Range: bytes=1-2 \r\n\r\n",
        b"Range: bytes=\xb2-3\r\n\r\n",
        b"Range: bytes=1-2222222222222222222\r\n\r\n",
        b"range: bytes=1-2\r\n\r\n",
        b"Range: bytes=1-2\r\nX-Request-Id: not sane\r\n\r\n",
        b"Range: bytes=1-2\r\nX-Request-Id: \r\n\r\n",
    ],
)
def test_anything_unusual_is_not_cut(rest: bytes) -> None:
    assert cut_head(HEAD + rest) is None


def test_a_second_range_stays_in_the_stem() -> None:
    cut = cut_head(HEAD + b"Range: bytes=1-2\r\nRange: bytes=3-4\r\n\r\n")
    assert cut is not None
    assert b"Range" in cut.stem


def test_what_is_prepared_has_a_bound() -> None:
    hots = HotHeads()
    asked = Asked("GET", "/v1/content/a", "a", {})
    for number in range(5000):
        hots.teach(b"%d" % number, asked, FOUND)
    assert hots.get(b"4999") is not None
    assert len(hots._hots) <= 4096

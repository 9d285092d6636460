"""Only the range that was asked for is taken, and any doubt is an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.store.range_answers import (
    HEAD_BYTES_MAX,
    OtherAnswerError,
    RangeAnswer,
    format_range_request,
    parse_range_answer,
)

HEAD = (
    b"HTTP/1.1 206 Partial Content\r\nAccept-Ranges: bytes\r\nContent-Length: 90\r\n"
    b"Content-Range: bytes 10-99/1000\r\nServer: SeaweedFS\r\n\r\n"
)


def changed(old: bytes, new: bytes) -> bytes:
    assert old in HEAD
    return HEAD.replace(old, new)


def test_a_request_names_what_the_url_names() -> None:
    url = "http://127.0.0.1:8333/films/extents/ab/cd-1-0?X-Amz-Signature=12"
    assert format_range_request(url, 10, 100) == (
        b"GET /films/extents/ab/cd-1-0?X-Amz-Signature=12 HTTP/1.1\r\nHost: 127.0.0.1:8333\r\n"
        b"Range: bytes=10-99\r\nAccept-Encoding: identity\r\n\r\n"
    )


def test_the_body_begins_behind_the_head() -> None:
    assert parse_range_answer(HEAD + b"film", 10, 100) == RangeAnswer(len(HEAD), False)
    for value in (b"close", b"Close", b"keep-alive, close"):
        head = changed(b"Server: SeaweedFS", b"Connection: " + value)
        assert parse_range_answer(head, 10, 100) == RangeAnswer(len(head), True)
    unknown = changed(b"/1000", b"/*")
    assert parse_range_answer(unknown, 10, 100) == RangeAnswer(len(unknown), False)


@given(st.integers(0, len(HEAD) - 1))
def test_half_a_head_is_none_yet(size_bytes: int) -> None:
    assert parse_range_answer(HEAD[:size_bytes], 10, 100) is None


@pytest.mark.parametrize(
    "data",
    [
        changed(b"206 Partial Content", b"200 OK"),
        changed(b"206 Partial Content", b"404 Not Found"),
        changed(b"206 Partial Content", b"2060"),
        changed(b"HTTP/1.1", b"HTTP/1.0"),
        changed(b"Content-Length: 90", b"Content-Length: 91"),
        changed(b"Content-Length: 90", b"Content-Length: +90"),
        changed(b"Content-Length: 90", b"Content-Length: "),
        changed(b"Content-Length: 90\r\n", b""),
        changed(b"Content-Length: 90", b"Content-Length: 90\r\nContent-Length: 90"),
        changed(b"bytes 10-99/1000", b"bytes 11-99/1000"),
        changed(b"bytes 10-99/1000", b"bytes 10-98/1000"),
        changed(b"bytes 10-99/1000", b"bytes */1000"),
        changed(b"Content-Range: bytes 10-99/1000\r\n", b""),
        changed(b"Server: SeaweedFS", b"Transfer-Encoding: chunked"),
        changed(b"Server: SeaweedFS", b"Content-Encoding: gzip"),
        changed(b"Server: SeaweedFS", b"no field"),
        b"x" * (HEAD_BYTES_MAX + 1),
    ],
)
def test_any_other_answer_is_an_error(data: bytes) -> None:
    with pytest.raises(OtherAnswerError):
        parse_range_answer(data, 10, 100)


@given(st.binary(max_size=300))
def test_anything_else_is_no_answer(data: bytes) -> None:
    try:
        assert parse_range_answer(data, 10, 100) is None
    except OtherAnswerError:
        pass

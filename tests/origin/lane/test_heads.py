"""Heads that the lane may answer, and all the others, which it must leave."""

from __future__ import annotations

import pytest

from origin.lane.heads import HEAD_BYTES_MAX, HeadReader

FIRST = b"GET /v1/content/films/a.mp4 HTTP/1.1\r\n"
HOST = b"Host: films.example:8080\r\n"
END = b"\r\n"


def test_a_plain_read_is_read_whole() -> None:
    asked = HeadReader().read(FIRST + HOST + b"RANGE:bytes=1-2 \t\r\nAccept: \r\n" + END)
    assert asked is not None
    assert (asked.method, asked.key) == ("GET", "films/a.mp4")
    assert asked.fields == {"host": "films.example:8080", "range": "bytes=1-2", "accept": ""}


def test_the_key_ends_where_the_query_begins() -> None:
    head = b"HEAD /v1/content/a?x=1&y=%20 HTTP/1.1\r\n" + HOST + END
    asked = HeadReader().read(head)
    assert asked is not None
    assert (asked.method, asked.key, asked.target) == ("HEAD", "a", "/v1/content/a?x=1&y=%20")


@pytest.mark.parametrize(
    "head",
    [
        b"PUT /v1/content/a HTTP/1.1\r\n" + HOST,
        b"GET /v1/titles/a HTTP/1.1\r\n" + HOST,
        b"GET  /v1/content/a HTTP/1.1\r\n" + HOST,
        b"GET /v1/content/a HTTP/1.0\r\n" + HOST,
        b"GET /v1/content/ HTTP/1.1\r\n" + HOST,
        b"GET /v1/content/%61 HTTP/1.1\r\n" + HOST,
        b"GET http://h/v1/content/a HTTP/1.1\r\n" + HOST,
        FIRST,
        FIRST + b"Host: a b\r\n",
        FIRST + HOST + HOST,
        FIRST + HOST + b"Range: bytes=1-2\r\nrange: bytes=1-2\r\n",
        FIRST + HOST + b"Connection: close\r\n",
        FIRST + HOST + b"Content-Length: 3\r\n",
        FIRST + HOST + b"Transfer-Encoding: chunked\r\n",
        FIRST + HOST + b"Expect: 100-continue\r\n",
        FIRST + HOST + b"Upgrade: h2c\r\n",
        FIRST + HOST + b"Bad : x\r\n",
        FIRST + HOST + b"A: x\r\n folded\r\n",
        FIRST + HOST + b"A: \x00\r\n",
        FIRST + HOST + b"A: \xe9\r\n",
        FIRST + HOST + b"A: x\nB: y\r\n",
        FIRST + HOST + b": x\r\n",
        FIRST + HOST + b"A: " + b"x" * 2001 + b"\r\n",
        FIRST + HOST + b"A: x\r\n" * 2,
        FIRST + HOST + b"".join(b"A%d: x\r\n" % n for n in range(70)),
        FIRST + HOST + b"".join(b"A%d: %b\r\n" % (n, b"x" * 1000) for n in range(5)),
    ],
)
def test_anything_else_is_left_alone(head: bytes) -> None:
    reader = HeadReader()
    for _ in range(2):
        assert reader.read(head + END) is None


def test_what_is_remembered_has_a_bound() -> None:
    reader = HeadReader()
    for number in range(10_000):
        assert reader.read(FIRST + HOST + b"A: %d\r\n" % number + END) is not None
    assert len(reader._known) <= HEAD_BYTES_MAX

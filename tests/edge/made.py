"""Requests, answers and entries made in memory, for tests of what decides about them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from cdnkit.fields import FieldLines, Pair
from cdnkit.freshness import CDN, assess
from edge.cache.disk import Disk
from edge.entry import Entry, StoredHead
from edge.http1.request import Request, parse_request
from edge.http1.response import ResponseHead, parse_response
from edge.upstream.lent import Lent

BLOCK = 100
STRONG: Pair = (b"etag", b'"x"')
WEAK: Pair = (b"etag", b'W/"x"')


def a_request(*lines: str, target: str = "/a", method: str = "GET") -> Request:
    """A request as the parser gives it."""
    return parse_request(
        "\r\n".join([f"{method} {target} HTTP/1.1", "Host: a.test", *lines]).encode("latin-1")
    )


def an_answer(status: int, *lines: str, method: bytes = b"GET") -> ResponseHead:
    """The head of an upstream's answer."""
    text = "\r\n".join([f"HTTP/1.1 {status} X", *lines])
    return parse_response(text.encode("latin-1"), method)


def lent(head: ResponseHead, at: float = 1000.0) -> Lent:
    """An answer nobody will read the content of."""
    nothing = cast(Any, None)
    return Lent(nothing, nothing, head, at, at)


def an_entry(
    size: int,
    pairs: Sequence[Pair] = (STRONG,),
    *,
    status: int = 200,
    key: bytes = b"/a",
    at: float = 1000.0,
) -> Entry:
    """An entry in blocks of 100 bytes of which none is held."""
    freshness = assess(status, FieldLines(pairs), at, at, CDN)
    head = StoredHead(status, pairs, at, at, freshness)
    return Entry(key, head, size, BLOCK, (), Disk(Path("/nonexistent"), 1 << 30))

"""Heads of the edge's own answers, as bytes. Pure.

What does not change between two answers from the same entry is made once per entry.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from cdnkit.cache_status import append_cache_status
from cdnkit.errors import CinedgeError, problem
from cdnkit.fields import FieldLines, Pair
from cdnkit.wire import EXPOSED_HEADERS, PROBLEM_CONTENT_TYPE

_SPELLED: Final = {
    b"etag": b"ETag",
    b"te": b"TE",
    b"dnt": b"DNT",
    b"www-authenticate": b"WWW-Authenticate",
    b"cdn-cache-control": b"CDN-Cache-Control",
    b"cmsd-static": b"CMSD-Static",
    b"cmsd-dynamic": b"CMSD-Dynamic",
    b"content-md5": b"Content-MD5",
}
_MADE_HERE: Final = frozenset(
    {b"age", b"content-length", b"content-range", b"accept-ranges", b"cache-status", b"via"}
    | {b"x-request-id"}
)
_PASSED_BUT_OURS: Final = frozenset({b"cache-status", b"via", b"x-request-id", b"cinedge-owner"})
_KEPT_ON_NOT_MODIFIED: Final = frozenset(
    {b"cache-control", b"content-location", b"date", b"etag", b"expires", b"vary"}
    | {b"cdn-cache-control", b"last-modified"}
)
"""RFC 9110 15.4.5; Last-Modified besides, as caches behind us may have nothing else."""

CORS_LINES: Final = (
    b"Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: "
    + ", ".join(EXPOSED_HEADERS).encode()
    + b"\r\nTiming-Allow-Origin: *\r\n"
)
PREFLIGHT_LINES: Final = (
    b"Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n"
    b"Access-Control-Allow-Headers: Range, If-Range, If-None-Match, If-Modified-Since, "
    b"CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status, X-Request-Id\r\n"
    b"Access-Control-Max-Age: 86400\r\n"
)


def spelled(name: bytes) -> bytes:
    """A field name as people write it."""
    return _SPELLED.get(name) or b"-".join(part.capitalize() for part in name.split(b"-"))


def status_line(status: int) -> bytes:
    """The first line of an answer."""
    try:
        phrase = HTTPStatus(status).phrase.encode()
    except ValueError:
        phrase = b""
    return b"HTTP/1.1 %d %b\r\n" % (status, phrase)


def lines_of(pairs: Iterable[Pair]) -> bytes:
    """Field lines."""
    return b"".join(b"%b: %b\r\n" % (spelled(name), value) for name, value in pairs)


def stored_lines(pairs: Sequence[Pair]) -> bytes:
    """The lines of a stored head that every answer from it carries."""
    lines = lines_of(pair for pair in pairs if pair[0] not in _MADE_HERE)
    return lines if _has_cors(pairs) else lines + CORS_LINES


def whole_lines(pairs: Sequence[Pair]) -> bytes:
    """Lines that only an answer with the whole content carries: Content-Range means nothing there
    (RFC 9110 14.4), and is kept as any field is (RFC 9111 3.1)."""
    return lines_of(pair for pair in pairs if pair[0] == b"content-range")


def not_modified_lines(pairs: Sequence[Pair]) -> bytes:
    """The lines of a stored head that a 304 carries."""
    lines = lines_of(pair for pair in pairs if pair[0] in _KEPT_ON_NOT_MODIFIED)
    return lines if _has_cors(pairs) else lines + CORS_LINES


def passed_lines(pairs: Sequence[Pair], *, keep_length: bool) -> bytes:
    """The lines of an answer that is passed on unstored."""
    dropped = _PASSED_BUT_OURS if keep_length else _PASSED_BUT_OURS | {b"content-length"}
    lines = lines_of(pair for pair in pairs if pair[0] not in dropped)
    return lines if _has_cors(pairs) else lines + CORS_LINES


@dataclass(frozen=True, slots=True)
class Trace:
    """What the hops before this one said of themselves, as it came."""

    cache_status: str | None
    via: bytes | None


NO_TRACE: Final = Trace(None, None)


def trace_of(fields: FieldLines) -> Trace:
    """The trace in an upstream's head."""
    trace = Trace(fields.text(b"cache-status"), fields.combined(b"via"))
    return NO_TRACE if trace == NO_TRACE else trace


def hop_lines(
    before: Trace,
    cache_status: str,
    via: str,
    request_id: bytes,
    connection_line: bytes,
    promise: bytes = b"",
) -> bytes:
    """What this hop adds to every answer; `promise` is what it tells of the host."""
    return b"%b%bX-Request-Id: %b\r\n%b" % (
        trace_lines(before, cache_status, via),
        promise,
        request_id,
        connection_line,
    )


def trace_lines(before: Trace, cache_status: str, via: str) -> bytes:
    """Cache-Status and Via: the hops before this one, then this one."""
    member = append_cache_status(before.cache_status, cache_status).encode("latin-1", "replace")
    ours = b"1.1 " + via.encode()
    return b"Cache-Status: %b\r\nVia: %b\r\n" % (
        member,
        ours if before.via is None else before.via + b", " + ours,
    )


def problem_answer(
    error: CinedgeError,
    request_id: bytes,
    date: bytes,
    hop: bytes,
    status: int | None = None,
) -> bytes:
    """A whole answer for an error of our family (RFC 9457)."""
    status = status or error.status
    members = {**problem(error, f"urn:request:{request_id.decode('latin-1')}"), "status": status}
    members["title"] = HTTPStatus(status).phrase
    body = json.dumps(members).encode()
    own = "".join(f"{name}: {value}\r\n" for name, value in error.headers().items())
    return (
        status_line(status)
        + b"Date: %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nCache-Control: no-store\r\n"
        % (date, PROBLEM_CONTENT_TYPE.encode(), len(body))
        + own.encode()
        + CORS_LINES
        + hop
        + b"\r\n"
        + body
    )


def _has_cors(pairs: Sequence[Pair]) -> bool:
    return any(name == b"access-control-allow-origin" for name, _ in pairs)

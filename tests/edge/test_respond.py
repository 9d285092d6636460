from __future__ import annotations

import json

import h11
import pytest

from cdnkit.errors import BadRequestError, UnauthorizedError, UnavailableError
from cdnkit.fields import FieldLines, Pair
from edge.respond import (
    CORS_LINES,
    NO_TRACE,
    hop_lines,
    lines_of,
    not_modified_lines,
    passed_lines,
    problem_answer,
    spelled,
    status_line,
    stored_lines,
    trace_of,
    whole_lines,
)

STORED: list[Pair] = [
    (b"date", b"Sun, 06 Nov 1994 08:49:37 GMT"),
    (b"etag", b'"a"'),
    (b"content-type", b"video/mp4"),
    (b"cache-control", b"max-age=60"),
    (b"last-modified", b"Sun, 06 Nov 1994 08:49:37 GMT"),
    (b"vary", b"accept"),
    (b"x-a", b"\xe9"),
    (b"x-a", b"again"),
    (b"age", b"7"),
    (b"content-length", b"5"),
    (b"accept-ranges", b"bytes"),
    (b"cache-status", b"up; hit"),
    (b"via", b"1.1 up"),
    (b"x-request-id", b"r0"),
]


def _read(head: bytes) -> tuple[h11.Response, FieldLines, bytes]:
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("host", "h")]))
    client.send(h11.EndOfMessage())
    client.receive_data(head)
    response = client.next_event()
    assert isinstance(response, h11.Response)
    body = b""
    while isinstance(event := client.next_event(), h11.Data):
        body += bytes(event.data)
    fields = FieldLines((bytes(name), bytes(value)) for name, value in response.headers)
    return response, fields, body


def _names(lines: bytes) -> list[bytes]:
    return [line.partition(b":")[0].lower() for line in lines.split(b"\r\n")[:-1]]


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (200, b"HTTP/1.1 200 OK\r\n"),
        (206, b"HTTP/1.1 206 Partial Content\r\n"),
        (299, b"HTTP/1.1 299 \r\n"),
        (599, b"HTTP/1.1 599 \r\n"),
    ],
)
def test_every_status_has_its_line(status: int, line: bytes) -> None:
    assert status_line(status) == line


@pytest.mark.parametrize(
    ("name", "written"),
    [(b"etag", b"ETag"), (b"content-type", b"Content-Type"), (b"x", b"X"), (b"a--b", b"A--B")],
)
def test_names_are_spelled_as_people_write_them(name: bytes, written: bytes) -> None:
    assert spelled(name) == written


def test_lines_keep_order_repetition_and_bytes() -> None:
    assert lines_of(STORED[6:8]) == b"X-A: \xe9\r\nX-A: again\r\n"


def test_an_answer_from_the_store_leaves_out_what_each_answer_makes_anew() -> None:
    names = _names(stored_lines(STORED))
    made = {b"age", b"content-length", b"accept-ranges", b"cache-status", b"via", b"x-request-id"}
    assert made.isdisjoint(names)
    assert names[:8] == [name for name, _ in STORED[:8]]
    assert stored_lines(STORED).endswith(CORS_LINES)


def test_not_modified_carries_what_a_cache_behind_us_needs() -> None:
    names = set(_names(not_modified_lines(STORED)))
    assert {b"etag", b"date", b"cache-control", b"vary", b"last-modified"} <= names
    assert names.isdisjoint({b"content-type", b"content-length", b"x-a", b"age"})


@pytest.mark.parametrize("keep_length", [True, False])
def test_what_is_passed_on_keeps_its_length_only_when_told(keep_length: bool) -> None:
    names = _names(passed_lines(STORED, keep_length=keep_length))
    assert (b"content-length" in names) is keep_length
    assert b"age" in names
    assert {b"via", b"cache-status", b"x-request-id"}.isdisjoint(names)


def test_an_origin_that_speaks_of_other_sites_is_left_to_itself() -> None:
    pairs = [*STORED, (b"access-control-allow-origin", b"https://a.example")]
    for lines in (
        stored_lines(pairs),
        passed_lines(pairs, keep_length=True),
    ):
        assert lines.lower().count(b"access-control-allow-origin") == 1
        assert CORS_LINES not in lines


def test_a_content_range_that_means_nothing_stays_with_the_whole_content() -> None:
    pairs = [*STORED, (b"content-range", b"ananas")]
    assert b"ananas" not in stored_lines(pairs)
    assert whole_lines(pairs) == b"Content-Range: ananas\r\n"
    assert whole_lines(STORED) == b""


def test_each_hop_adds_itself_after_those_nearer_to_the_origin() -> None:
    lines = hop_lines(
        trace_of(FieldLines(STORED)), "edge-1; hit", "edge-1", b"r1", b"Connection: close\r\n"
    )
    assert lines == (
        b"Cache-Status: up; hit, edge-1; hit\r\nVia: 1.1 up, 1.1 edge-1\r\n"
        b"X-Request-Id: r1\r\nConnection: close\r\n"
    )
    assert hop_lines(NO_TRACE, "edge-1; hit", "edge-1", b"r1", b"") == (
        b"Cache-Status: edge-1; hit\r\nVia: 1.1 edge-1\r\nX-Request-Id: r1\r\n"
    )


def test_a_cache_status_that_cannot_be_read_does_not_spoil_ours() -> None:
    upstream = FieldLines([(b"cache-status", b"\xe9;;")])
    assert hop_lines(trace_of(upstream), "edge-1; hit", "edge-1", b"r", b"").startswith(
        b"Cache-Status: edge-1; hit\r\n"
    )


@pytest.mark.parametrize(
    ("error", "name", "value"),
    [
        (BadRequestError("no \u20ac here"), b"cache-control", b"no-store"),
        (UnauthorizedError("who?"), b"www-authenticate", b"Bearer"),
        (UnavailableError("later", 9, limit=3), b"retry-after", b"9"),
    ],
)
def test_an_error_is_a_whole_answer_with_a_problem(
    error: BadRequestError | UnauthorizedError | UnavailableError, name: bytes, value: bytes
) -> None:
    hop = hop_lines(NO_TRACE, "edge-1; fwd=miss", "edge-1", b"r\xe9", b"Connection: close\r\n")
    response, fields, body = _read(problem_answer(error, b"r\xe9", b"Sun, 06 Nov 1994", hop))
    assert response.status_code == error.status
    assert fields.first(b"content-type") == b"application/problem+json"
    assert fields.first(b"content-length") == b"%d" % len(body)
    assert fields.first(name) == value
    problem = json.loads(body)
    assert (problem["status"], problem["detail"]) == (error.status, error.detail)
    assert problem["instance"] == "urn:request:r\xe9"

from __future__ import annotations

from typing import Any

import h11
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cdnkit.fields import FieldLines
from edge.http1.request import RefusedError, Request, parse_request
from tests.helpers.vectors import case_id, load_vectors

STATUSES = {400, 405, 414, 431, 501, 505}
CASES = load_vectors("request_heads")


def _head(case: dict[str, Any]) -> bytes:
    long = case.get("long")
    if long is None:
        return str(case["head"]).encode("latin-1")
    return str(long["before"] + long["fill"] * long["count"] + long["after"]).encode("latin-1")


def _rendered(request: Request) -> bytes:
    """The head again: own framing and host, the other fields as they came."""
    own = {b"host", b"content-length", b"transfer-encoding", b"connection"}
    lines = [b"%b %b HTTP/1.1" % (request.method, request.target), b"Host: " + request.host]
    lines += [b"%b: %b" % pair for pair in request.pairs if pair[0] not in own]
    if request.chunked:
        lines.append(b"Transfer-Encoding: chunked")
    elif request.content_length:
        lines.append(b"Content-Length: %d" % request.content_length)
    if not request.keep_alive:
        lines.append(b"Connection: close")
    return b"\r\n".join(lines)


def _outcome(head: bytes) -> tuple[Request | None, int]:
    """The request, or the status of its refusal; any other error is a bug."""
    try:
        return parse_request(head), 0
    except RefusedError as refusal:
        return None, refusal.status


@pytest.mark.parametrize("case", [case for case in CASES if "refused" in case], ids=case_id)
def test_a_head_with_two_readings_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as refusal:
        parse_request(_head(case))
    assert refusal.value.status == case["refused"]
    assert refusal.value.reason


@pytest.mark.parametrize("case", [case for case in CASES if "refused" not in case], ids=case_id)
def test_a_head_with_one_reading_is_read(case: dict[str, Any]) -> None:
    request = parse_request(_head(case))
    read = {
        "method": request.method.decode(),
        "target": request.target.decode("latin-1"),
        "host": request.host.decode("latin-1"),
        "length": request.content_length,
        "chunked": request.chunked,
        "keep_alive": request.keep_alive,
        "continue": request.expects_continue,
    }
    usual = {"length": 0, "chunked": False, "keep_alive": True, "continue": False}
    expected = {name: case[name] for name in read if name in case}
    assert {**read, **expected} == read
    assert {**read, **usual, **expected} == read
    assert request.has_body == (request.chunked or request.content_length > 0)


@pytest.mark.parametrize("end", [b"\n\n", b"\n\r\n", b"\r\r", b"\r\n\n"])
def test_only_crlf_ends_a_head(end: bytes) -> None:
    # The server cuts at CRLF CRLF; whatever else might be taken for an end stays in the head.
    smuggled = b"GET / HTTP/1.1\r\nHost: h" + end + b"GET /b HTTP/1.1\r\nHost: h"
    with pytest.raises(RefusedError) as refusal:
        parse_request(smuggled)
    assert refusal.value.status == 400


pieces = st.sampled_from(
    [b"GET", b"OPTIONS", b"/", b"*", b" ", b"HTTP/1.1", b"HTTP/1.0", b"\r\n", b"\n", b"\r", b"\0"]
    + [b"http://a", b"a", b":", b"Host: h", b"Content-Length: 5", b"Transfer-Encoding: chunked"]
    + [b"Connection: close", b",", b"\t", b"?", b"#", b"@", b"[::1]", b"%", b"\xff", b"5"]
)
heads = st.binary(max_size=80) | st.lists(pieces, max_size=14).map(b"".join)
near_heads = st.builds(
    lambda line, fields: b"\r\n".join([line, *fields]),
    st.sampled_from([b"GET /a HTTP/1.1", b"PUT http://b:1/c?d HTTP/1.1", b"OPTIONS * HTTP/1.1"])
    | st.binary(max_size=12).map(lambda path: b"GET /" + path + b" HTTP/1.1"),
    st.lists(
        st.sampled_from(
            [b"Host: h", b"Host: i:80", b"Content-Length: 5", b"Content-Length: 6"]
            + [b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Connection: close"]
            + [b"Expect: 100-continue", b"X: y", b" fold", b"A:b", b"X : y"]
        )
        | st.binary(max_size=12).map(lambda value: b"X: " + value),
        max_size=5,
    ),
)


@given(heads | near_heads)
def test_arbitrary_bytes_are_a_request_or_refused(head: bytes) -> None:
    request, status = _outcome(head)
    if request is None:
        assert status in STATUSES
    else:
        assert request.target[:1] == b"/" or request.target == b"*"
        assert not set(request.target + request.host) & set(b"\r\n\0 #")
        assert not (request.chunked and b"content-length" in request.fields)


@given(heads | near_heads)
def test_an_accepted_head_means_the_same_to_another_parser(head: bytes) -> None:
    try:
        request = parse_request(head)
    except RefusedError:
        return
    # h11 sees no field with bytes it takes for white space; the edge passes them on as they are.
    assume(not any(set(value) & {0x85, 0xA0} for _, value in request.pairs))
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(_rendered(request) + b"\r\n\r\n")
    event = connection.next_event()
    assert isinstance(event, h11.Request)
    assert bytes(event.method) == request.method
    assert bytes(event.target) == request.target
    theirs = FieldLines((bytes(name), bytes(value)) for name, value in event.headers)
    for name, value in request.pairs:
        if name not in (b"host", b"content-length", b"transfer-encoding", b"connection"):
            assert value in theirs.lines(name)
    following = connection.next_event()
    assert (following is h11.NEED_DATA) == request.has_body


@given(heads | near_heads)
def test_reading_again_what_was_made_of_a_head_changes_nothing(head: bytes) -> None:
    try:
        request = parse_request(head)
    except RefusedError:
        return
    again = parse_request(_rendered(request))
    assert (again.method, again.target, again.host) == (
        request.method,
        request.target,
        request.host,
    )
    assert (again.content_length, again.chunked) == (request.content_length, request.chunked)
    assert again.keep_alive == request.keep_alive

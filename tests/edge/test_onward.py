from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.fields import FieldLines, Pair
from edge.http1.request import RefusedError, parse_request
from edge.onward import (
    LoopDetectedError,
    all_pairs,
    forwards_left,
    nodes_passed,
    refuse_loop,
    shared_pairs,
    upstream_head,
    via_line,
)
from tests.edge.made import a_request

HEAD = (
    b"GET /a HTTP/1.1\r\nHost: edge\r\nAccept: */*\r\nRange: bytes=0-1\r\nIf-Range: x\r\n"
    b'If-None-Match: "a"\r\nIf-Match: "b"\r\nIf-Modified-Since: y\r\nIf-Unmodified-Since: z\r\n'
    b"Connection: x-hop, close\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: x\r\n"
    b"Upgrade: h2c\r\nProxy-Authorization: p\r\nProxy-Connection: q\r\nExpect: 100-continue\r\n"
    b"Content-Length: 0\r\nMax-Forwards: 3\r\nX-Request-Id: theirs\r\nCookie: c\r\n"
    b"Via: 1.0 outer\r\nCDN-Loop: other; a=b"
)
CONDITIONS = {b"range", b"if-range", b"if-match", b"if-none-match"} | {
    b"if-modified-since",
    b"if-unmodified-since",
}


def _made(pairs: list[Pair], own: list[Pair]) -> bytes:
    via = via_line(FieldLines(pairs), "edge-1")
    return upstream_head(b"GET", b"/b/a?c", b"up:81", pairs, own, via, "edge-1", b"r1")


def _read(head: bytes) -> FieldLines:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(head)
    event = connection.next_event()
    assert isinstance(event, h11.Request)
    return FieldLines((bytes(name), bytes(value)) for name, value in event.headers)


def test_what_ends_at_this_hop_does_not_go_on() -> None:
    kept = {b"accept", b"cookie", b"via", b"cdn-loop"}
    request = parse_request(HEAD)
    assert {name for name, _ in shared_pairs(request)} == kept
    assert {name for name, _ in all_pairs(request)} == kept | CONDITIONS


def test_a_head_is_made_of_one_host_one_via_and_what_is_passed_on() -> None:
    head = _made(shared_pairs(parse_request(HEAD)), [(b"range", b"bytes=0-9")])
    assert head.startswith(b"GET /b/a?c HTTP/1.1\r\nHost: up:81\r\n")
    fields = _read(head)
    assert fields.lines(b"host") == [b"up:81"]
    assert fields.lines(b"range") == [b"bytes=0-9"]
    assert fields.lines(b"via") == [b"1.0 outer, 1.1 edge-1"]
    assert fields.combined(b"cdn-loop") == b"other; a=b, cinedge;node=edge-1"
    assert fields.lines(b"x-request-id") == [b"r1"]
    assert b"content-length" not in fields
    assert b"transfer-encoding" not in fields


def test_own_fields_replace_those_of_the_client() -> None:
    request = parse_request(HEAD)
    fields = _read(_made(all_pairs(request), [(b"range", b"bytes=5-"), (b"if-match", b'"c"')]))
    assert fields.lines(b"range") == [b"bytes=5-"]
    assert fields.lines(b"if-match") == [b'"c"']
    assert fields.lines(b"if-none-match") == [b'"a"']


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [b"Accept", b"Connection", b"Content-Length", b"Transfer-Encoding", b"Via", b"X-A"]
                + [b"Upgrade", b"Expect", b"Range", b"TE"]
            ),
            st.sampled_from(
                [b"0", b"chunked", b"close, x-a", b"via", b"1.1 n", b"", b"transfer-encoding"]
            ),
        ),
        max_size=6,
    )
)
def test_no_field_of_a_client_frames_a_message_of_ours(lines: list[tuple[bytes, bytes]]) -> None:
    head = b"".join([b"GET /a HTTP/1.1\r\nHost: h", *(b"\r\n%b: %b" % line for line in lines)])
    try:
        request = parse_request(head)
    except RefusedError:
        return
    fields = _read(_made(all_pairs(request), []))
    for name in (b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"te"):
        assert name not in fields
    assert len(fields.lines(b"via")) == 1


@pytest.mark.parametrize(
    ("via", "looped"),
    [
        (b"1.1 edge-1", True),
        (b"1.1 a, HTTP/1.1 edge-1 (comment)", True),
        (b"1.1 edge-10", False),
        (b"1.1 a, edge-1", False),
        (b"", False),
        (b",", False),
    ],
)
def test_a_request_that_came_through_here_before_is_refused(via: bytes, looped: bool) -> None:
    fields = FieldLines([(b"via", via)])
    if looped:
        with pytest.raises(LoopDetectedError) as error:
            refuse_loop(fields, "edge-1")
        assert error.value.status == 508
    else:
        refuse_loop(fields, "edge-1")


def test_a_loop_over_another_node_is_noticed() -> None:
    refuse_loop(FieldLines([]), "edge-1")
    first = _read(_made([], []))
    pairs = [(b"via", line) for line in first.lines(b"via")]
    second = upstream_head(b"GET", b"/", b"h", pairs, [], via_line(first, "shield"), "shield", b"r")
    with pytest.raises(LoopDetectedError):
        refuse_loop(_read(second), "edge-1")


@pytest.mark.parametrize(
    ("line", "loops"),
    [
        ("CDN-Loop: cinedge;node=edge-1", True),
        ("CDN-Loop: other; a=b, cinedge;node=edge-1", True),
        ("CDN-Loop: cinedge;node=edge-2", False),
        ("CDN-Loop: cinedge", False),
        ('CDN-Loop: other; a="cinedge;node=edge-1, b"', False),
    ],
)
def test_the_loop_field_names_the_node_even_where_via_was_taken_out(line: str, loops: bool) -> None:
    fields = a_request(line).fields
    if loops:
        with pytest.raises(LoopDetectedError):
            refuse_loop(fields, "edge-1")
    else:
        refuse_loop(fields, "edge-1")


def test_forwards_are_counted_for_options_alone() -> None:
    assert forwards_left(a_request("Max-Forwards: 2", method="OPTIONS")) == 2
    assert forwards_left(a_request("Max-Forwards: two", method="OPTIONS")) is None
    assert forwards_left(a_request("Max-Forwards: 2")) is None
    assert (b"max-forwards", b"1") in all_pairs(a_request("Max-Forwards: 2", method="OPTIONS"))
    assert all_pairs(a_request("Max-Forwards: 0", method="OPTIONS")) == []


def test_via_names_the_nodes_a_request_came_through() -> None:
    pairs = [(b"via", b"1.1 a, HTTP/1.1 b (with a word)"), (b"x", b"1.1 c"), (b"via", b"1.0 d, e")]
    assert nodes_passed(pairs) == {"a", "b", "d"}

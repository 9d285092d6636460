"""Only what belongs to the blocks held may join them (RFC 9111 3.4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdnkit.errors import UpstreamError
from cdnkit.fields import FieldLines
from cdnkit.freshness import CDN, assess
from cdnkit.ranges import ContentRange
from edge.cache.disk import Disk
from edge.combine import VersionChangedError, check_part, is_same_head, is_what_was_asked, part_of
from edge.entry import Entry, StoredHead
from edge.http1.response import parse_response
from tests.edge.made import an_entry

GOOD = ("206", "bytes 0-99/1000", '"x"', 100)
COMBINED = {
    "what was asked for": (GOOD, '"x"', None),
    "a weak tag": (("206", "bytes 0-99/1000", 'W/"x"', 100), 'W/"x"', VersionChangedError),
    "another tag": (("206", "bytes 0-99/1000", '"y"', 100), '"x"', VersionChangedError),
    "another size": (("206", "bytes 0-99/1001", '"x"', 100), '"x"', VersionChangedError),
    "another part": (("206", "bytes 1-100/1000", '"x"', 100), '"x"', UpstreamError),
    "another length": (("206", "bytes 0-99/1000", '"x"', 99), '"x"', UpstreamError),
    "the whole": (("200", "", '"x"', 1000), '"x"', None),
    "the whole of another size": (("200", "", '"x"', 999), '"x"', VersionChangedError),
    "gone": (("404", "", '"x"', 0), '"x"', VersionChangedError),
    "changed": (("412", "", '"x"', 0), '"x"', VersionChangedError),
    "broken": (("500", "", '"x"', 0), '"x"', UpstreamError),
}


@pytest.mark.parametrize(("answer", "known", "error"), COMBINED.values(), ids=COMBINED)
def test_only_what_belongs_to_the_blocks_held_may_join_them(
    tmp_path: Path,
    answer: tuple[str, str, str, int],
    known: str,
    error: type[Exception] | None,
) -> None:
    status, content_range, etag, length = answer
    text = f"HTTP/1.1 {status} X\r\nETag: {etag}\r\nContent-Length: {length}"
    head = parse_response((text + f"\r\nContent-Range: {content_range}").encode(), b"GET")
    pairs = [(b"etag", known.encode())]
    stored = StoredHead(200, pairs, 0.0, 0.0, assess(200, FieldLines(pairs), 0.0, 0.0, CDN))
    disk = Disk(tmp_path, 1 << 20)
    entry = Entry(b"/a", stored, 1000, 100, (), disk)
    disk.threads.shutdown()
    if error is None:
        check_part(entry, head, 0, 100)
        return
    with pytest.raises(error) as raised:
        check_part(entry, head, 0, 100)
    assert type(raised.value) is error


PARTS = {
    "said once": (["bytes 0-9/100"], ContentRange(0, 10, 100)),
    "said twice": (["bytes 0-9/100", "bytes 0-9/100"], None),
    "two in one line": (["bytes 0-9/100, bytes 0-9/100"], None),
    "not said": ([], None),
    "of no known length": (["bytes 0-9/*"], ContentRange(0, 10, None)),
    "unsatisfied": (["bytes */100"], None),
}


@pytest.mark.parametrize(("said", "part"), PARTS.values(), ids=PARTS)
def test_a_part_is_believed_when_it_is_said_once_and_clearly(
    said: list[str], part: ContentRange | None
) -> None:
    lines = "".join(f"\r\nContent-Range: {each}" for each in said)
    head = parse_response(f"HTTP/1.1 206 X\r\nContent-Length: 10{lines}".encode(), b"GET")
    assert part_of(head) == part


@pytest.mark.parametrize(
    ("length", "part", "asked", "is_it"),
    [
        (10, ContentRange(0, 10, 100), (0, 10), True),
        (5, ContentRange(95, 100, 100), (95, 120), True),
        (10, ContentRange(0, 10, None), (0, 10), False),
        (9, ContentRange(0, 10, 100), (0, 10), False),
        (10, ContentRange(0, 10, 100), (0, 20), False),
        (10, ContentRange(10, 20, 100), (0, 20), False),
        (None, ContentRange(0, 10, 100), (0, 10), True),
    ],
)
def test_a_first_part_is_of_use_when_it_is_all_that_was_asked_for_and_exists(
    length: int | None, part: ContentRange, asked: tuple[int, int], is_it: bool
) -> None:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    head = parse_response(f"HTTP/1.1 206 X\r\n{framing}".encode(), b"GET")
    assert is_what_was_asked(head, part, asked) is is_it


@pytest.mark.parametrize(
    ("lines", "same"),
    [
        (('ETag: "x"', "Content-Length: 1000"), True),
        (('ETag: "x"',), True),
        (('ETag: "y"', "Content-Length: 1000"), False),
        (('ETag: "x"', "Content-Length: 1001"), False),
        (("Content-Length: 1000",), False),
    ],
)
def test_a_head_speaks_of_what_is_held_when_tag_and_length_say_so(
    lines: tuple[str, ...], same: bool
) -> None:
    head = parse_response("\r\n".join(["HTTP/1.1 200 X", *lines]).encode(), b"HEAD")
    assert is_same_head(an_entry(1000), head) is same
    assert not is_same_head(an_entry(1000, status=404), head)

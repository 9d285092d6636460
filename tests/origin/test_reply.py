"""What is answered, as data: status, fields, bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import PreconditionFailedError
from cdnkit.validators import Validators
from origin.reply import RangeNotSatisfiableError, format_lines, plan_reply, say

SAID = say(1000, "video/mp4", Validators('"e"', 1_700_000_000), "max-age=1", b"\0" * 32, {"X": "1"})


def boundary() -> str:
    return "b" * 32


def test_the_whole_and_its_fields() -> None:
    reply = plan_reply("GET", {}, SAID, boundary)
    assert (reply.status, reply.length, reply.segments) == (200, 1000, ((0, 1000),))
    assert list(reply.fields) == [
        *("Cache-Control", "X", "ETag", "Last-Modified", "Accept-Ranges", "Repr-Digest"),
        "Content-Type",
    ]
    assert reply.lines == format_lines(reply.fields)


@given(st.integers(0, 1200), st.integers(0, 1200))
def test_one_range_is_206_with_the_bytes_there_are(first: int, last: int) -> None:
    if last < first:
        return
    fields = {"range": f"bytes={first}-{last}"}
    if first >= 1000:
        with pytest.raises(RangeNotSatisfiableError) as refused:
            plan_reply("GET", fields, SAID, boundary)
        assert refused.value.headers()["Content-Range"] == "bytes */1000"
        return
    reply = plan_reply("GET", fields, SAID, boundary)
    stop = min(last + 1, 1000)
    assert (reply.status, reply.length, reply.segments) == (206, stop - first, ((first, stop),))
    assert reply.more == {"Content-Range": f"bytes {first}-{stop - 1}/1000"}


def test_head_has_a_length_and_no_bytes() -> None:
    reply = plan_reply("HEAD", {"range": "bytes=0-1"}, SAID, boundary)
    assert (reply.status, reply.length, reply.segments) == (200, 1000, ())


def test_not_modified_says_only_what_may_have_changed() -> None:
    reply = plan_reply("GET", {"if-none-match": '"e"'}, SAID, boundary)
    assert (reply.status, reply.length, reply.segments) == (304, None, ())
    assert "Content-Type" not in reply.fields


def test_a_failed_condition_is_raised() -> None:
    with pytest.raises(PreconditionFailedError):
        plan_reply("GET", {"if-match": '"other"'}, SAID, boundary)


def test_several_ranges_are_parts_of_the_announced_length() -> None:
    reply = plan_reply("GET", {"range": "bytes=0-1,500-501"}, SAID, boundary)
    sizes = [len(s) if isinstance(s, bytes) else s[1] - s[0] for s in reply.segments]
    assert reply.length == sum(sizes)
    assert "b" * 32 in reply.more["Content-Type"]

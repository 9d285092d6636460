"""Frames are bounded, and nonsense is refused."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.packaging import frames
from origin.packaging.boxes import UnplayableError


@given(st.sampled_from(frames.Kind), st.binary(max_size=100))
def test_frame_is_read_back(kind: frames.Kind, body: bytes) -> None:
    frame = frames.make_frame(kind, body)
    assert frames.parse_frame_head(frame[: frames.HEAD_BYTES]) == (kind, len(body))
    assert frame[frames.HEAD_BYTES :] == body


@given(st.binary(min_size=5, max_size=5))
def test_any_head_is_bounded_or_refused(head: bytes) -> None:
    try:
        _, length = frames.parse_frame_head(head)
    except UnplayableError:
        return
    assert length <= frames.BODY_BYTES_MAX


def test_reads_are_bounded() -> None:
    assert frames.parse_interval(frames.make_read(3, 9)[5:]) == (3, 9)
    for start, stop in ((9, 3), (0, frames.READ_BYTES_MAX + 1)):
        with pytest.raises(UnplayableError):
            frames.parse_interval(struct.pack(">QQ", start, stop))
    with pytest.raises(UnplayableError):
        frames.parse_interval(b"short")


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"1"])
def test_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(UnplayableError):
        frames.parse_object(body)

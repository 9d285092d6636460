"""Boxes are found where they are, and never outside of what holds them."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.packaging import boxes
from origin.packaging.boxes import UnplayableError

KINDS = st.text("abcdefgh", min_size=4, max_size=4)


@given(st.lists(st.tuples(KINDS, st.binary(max_size=40)), max_size=8))
def test_boxes_that_were_written_are_found_again(parts: list[tuple[str, bytes]]) -> None:
    data = b"".join(boxes.make_box(kind, payload) for kind, payload in parts)
    found = list(boxes.iterate_boxes(data, 0, len(data)))
    assert [(box.kind, data[box.payload : box.stop]) for box in found] == parts
    scanned = list(boxes.scan_top_level(lambda start, stop: data[start:stop], len(data)))
    assert scanned == found


@given(st.binary(max_size=200))
def test_any_bytes_are_boxes_inside_their_bounds_or_are_refused(data: bytes) -> None:
    try:
        found = list(boxes.iterate_boxes(data, 0, len(data)))
    except UnplayableError:
        return
    at = 0
    for box in found:
        assert box.start == at
        assert box.start < box.payload <= box.stop <= len(data)
        at = box.stop


def test_sizes_of_64_bits_and_to_the_end_are_read() -> None:
    wide = struct.pack(">I4sQ", 1, b"mdat", 20) + b"1234"
    open_end = struct.pack(">I4s", 0, b"free") + b"rest"
    found = list(boxes.iterate_boxes(wide + open_end, 0, 32))
    assert [(box.kind, box.payload, box.stop) for box in found] == [
        ("mdat", 16, 20),
        ("free", 28, 32),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0",
        b"\0\0\0\x07moov",
        b"\0\0\0\x20moov",
        b"\0\0\0\x01moov\0\0",
        struct.pack(">I4sQ", 1, b"moov", 15),
        struct.pack(">I4sQ", 1, b"moov", 1 << 63),
    ],
)
def test_size_that_lies_is_refused(data: bytes) -> None:
    with pytest.raises(UnplayableError):
        list(boxes.scan_top_level(lambda start, stop: data[start:stop], len(data)))


def test_numbers_behind_the_end_are_refused_before_they_are_made() -> None:
    fields = boxes.Fields(bytes(16), 0, 16)
    with pytest.raises(UnplayableError):
        fields.numbers(0xFFFFFFFF)
    assert fields.numbers(4) == (0, 0, 0, 0)
    with pytest.raises(UnplayableError):
        fields.bytes(1)


def test_missing_box_is_named() -> None:
    with pytest.raises(UnplayableError, match="'stbl'"):
        boxes.require([], "stbl")


def test_media_header_grows_when_it_must() -> None:
    assert len(boxes.make_media_header(0xFFFFFFFF - 8)) == 8
    assert boxes.make_media_header(0xFFFFFFFF - 7)[:4] == b"\0\0\0\x01"


def test_too_many_children_are_refused() -> None:
    data = boxes.make_box("free") * (boxes.CHILDREN_MAX + 1)
    with pytest.raises(UnplayableError):
        list(boxes.iterate_boxes(data, 0, len(data)))

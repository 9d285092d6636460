from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.fields import FieldLines
from edge.http1.fields import (
    FIELDS_MAX,
    FieldError,
    TooManyFieldsError,
    members,
    parse_content_length,
    parse_fields,
)

_TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCXYZ"
_VISIBLE = bytes([*range(0x21, 0x7F), *range(0x80, 0x100)])

names = st.lists(st.sampled_from(_TOKEN), min_size=1, max_size=12).map(bytes)
values = st.lists(st.sampled_from(_VISIBLE + b" \t"), max_size=20).map(
    lambda codes: bytes(codes).strip(b" \t")
)
blanks = st.text(" \t", max_size=3).map(str.encode)


def test_no_block_has_no_fields() -> None:
    assert parse_fields(b"") == []


@given(st.lists(st.tuples(names, values, blanks, blanks), min_size=1, max_size=8))
def test_every_line_of_the_grammar_is_read_as_it_was_written(
    lines: list[tuple[bytes, bytes, bytes, bytes]],
) -> None:
    block = b"\r\n".join(
        name + b":" + before + value + after for name, value, before, after in lines
    )
    assert parse_fields(block) == [(name.lower(), value) for name, value, _, _ in lines]


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_fields_or_an_error(block: bytes) -> None:
    try:
        pairs = parse_fields(block)
    except FieldError:
        return
    for name, value in pairs:
        assert name
        assert name == name.lower()
        assert not set(name + value) & set(b"\r\n\0")
        assert value == value.strip(b" \t")


@pytest.mark.parametrize("line", [b"A : b", b" A: b", b"A", b": b", b"A: \0", b"A: b\r", b"A: b\n"])
def test_a_line_outside_the_grammar_is_an_error(line: bytes) -> None:
    with pytest.raises(FieldError):
        parse_fields(b"X: y\r\n" + line)


def test_lines_are_counted_before_they_are_read() -> None:
    assert len(parse_fields(b"\r\n".join([b"A: b"] * FIELDS_MAX))) == FIELDS_MAX
    with pytest.raises(TooManyFieldsError):
        parse_fields(b"\r\n".join([b"\0"] * (FIELDS_MAX + 1)))


@pytest.mark.parametrize("filling", [b" ", b"a ", b"a", b"\t"])
def test_no_line_costs_more_than_one_pass(filling: bytes) -> None:
    line = b"A:" + filling * (32 * 1024 // len(filling)) + b"\0"
    started = time.process_time()
    with pytest.raises(FieldError):
        parse_fields(line)
    assert time.process_time() - started < 0.25


def test_members_come_from_all_lines_in_lower_case_without_empty_ones() -> None:
    fields = FieldLines([(b"te", b"A, ,b"), (b"x", b"no"), (b"te", b",\tC ,")])
    assert members(fields, b"te") == [b"a", b"b", b"c"]
    assert members(fields, b"connection") == []


@pytest.mark.parametrize(
    ("lines", "length"),
    [([], None), ([b"0"], 0), ([b"7", b"7"], 7), ([b"7 , 7"], 7), ([b"9" * 18], 10**18 - 1)],
)
def test_equal_lengths_are_one_length(lines: list[bytes], length: int | None) -> None:
    assert parse_content_length(lines) == length


@pytest.mark.parametrize(
    "lines",
    [[b""], [b"7", b"8"], [b"7,"], [b"7", b"07"], [b"+7"], [b"-7"], [b"7_0"], [b"7.0"], [b"0x7"]]
    + [[b"9" * 19], ["\u0667".encode()], [b"7 7"]],
)
def test_any_other_length_is_an_error(lines: list[bytes]) -> None:
    with pytest.raises(FieldError):
        parse_content_length(lines)

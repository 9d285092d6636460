from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.ranges import (
    JOIN_GAP_BYTES,
    MAX_FIELD_LENGTH,
    MAX_PARTS,
    MAX_SPECS,
    ContentRange,
    Multi,
    RangePlan,
    Single,
    Span,
    Suffix,
    Unsatisfiable,
    Whole,
    format_content_range,
    format_unsatisfied_range,
    lay_out_multipart,
    parse_content_range,
    parse_ranges,
    plan_ranges,
)
from tests.helpers.vectors import case_id, load_vectors

SIZE_MAX = 4000


def _plan(answer: Any) -> RangePlan:
    match answer:
        case "whole":
            return Whole()
        case "unsatisfiable":
            return Unsatisfiable()
        case {"single": [start, stop]}:
            return Single(start, stop)
        case {"multi": parts}:
            return Multi(tuple((start, stop) for start, stop in parts))
    raise ValueError(answer)


def _intervals(plan: RangePlan, size: int) -> list[tuple[int, int]]:
    match plan:
        case Whole():
            return [(0, size)]
        case Single(start, stop):
            return [(start, stop)]
        case Multi(parts):
            return list(parts)
        case Unsatisfiable():
            return []


@st.composite
def range_texts(draw: st.DrawFn) -> str:
    """One well-formed member: `a-b`, `a-` or `-n`, with leading zeros now and then."""
    first = draw(st.integers(0, SIZE_MAX + 200))
    zeros = draw(st.sampled_from(["", "", "0", "00"]))
    match draw(st.sampled_from(["span", "short", "open", "suffix"])):
        case "span":
            return f"{zeros}{first}-{first + draw(st.integers(0, SIZE_MAX))}"
        case "short":
            return f"{first}-{zeros}{first + draw(st.integers(0, 30))}"
        case "open":
            return f"{zeros}{first}-"
    return f"-{zeros}{first}"


sizes = st.one_of(st.integers(0, 3), st.integers(1, SIZE_MAX))
range_sets = st.lists(range_texts(), min_size=1, max_size=24)
separators = st.sampled_from([",", ", ", " ,", ",,", "\t,\t , "])


def _naive_offsets(text: str, size: int) -> set[int]:
    """The offsets a member names, by walking over every byte of the object."""
    first, last = text.split("-")
    if not first:
        return {offset for offset in range(size) if offset >= size - int(last)}
    return {
        offset
        for offset in range(size)
        if int(first) <= offset and (not last or offset <= int(last))
    }


@pytest.mark.parametrize("case", load_vectors("ranges"), ids=case_id)
def test_range_field_means_what_the_standard_says(case: dict[str, Any]) -> None:
    assert plan_ranges(case["header"], case["size"]) == _plan(case["plan"])


@given(range_texts(), st.integers(1, SIZE_MAX))
def test_one_range_is_exactly_the_slice_it_names(text: str, size: int) -> None:
    plan = plan_ranges(f"bytes={text}", size)
    offsets = _naive_offsets(text, size)
    if offsets:
        assert plan == Single(min(offsets), max(offsets) + 1)
    else:
        assert plan == Unsatisfiable()


@given(range_sets, sizes, separators)
def test_every_asked_byte_is_sent_and_no_others_but_small_gaps(
    members: list[str], size: int, separator: str
) -> None:
    plan = plan_ranges("bytes=" + separator.join(members), size)
    asked: set[int] = set().union(*(_naive_offsets(text, size) for text in members))
    if isinstance(plan, Whole):
        return
    sent = [offset for start, stop in _intervals(plan, size) for offset in range(start, stop)]
    assert len(sent) == len(set(sent)), "a byte is sent twice"
    assert asked <= set(sent)
    gap = 0
    for offset in range(size):
        gap = gap + 1 if offset in set(sent) - asked else 0
        assert gap < JOIN_GAP_BYTES, "more than a gap was added"


@given(range_sets, st.integers(1, SIZE_MAX))
def test_parts_are_disjoint_apart_and_bounded(members: list[str], size: int) -> None:
    plan = plan_ranges("bytes=" + ",".join(members), size)
    intervals = _intervals(plan, size)
    assert all(0 <= start < stop <= size for start, stop in intervals)
    if isinstance(plan, Multi):
        ordered = sorted(intervals)
        assert 2 <= len(ordered) <= MAX_PARTS
        assert all(b[0] - a[1] >= JOIN_GAP_BYTES for a, b in pairwise(ordered))


@given(st.permutations(range(0, 2000, 200)))
def test_asked_order_is_kept_when_nothing_overlaps(starts: list[int]) -> None:
    header = "bytes=" + ",".join(f"{start}-{start + 9}" for start in starts)
    assert plan_ranges(header, 2000) == Multi(tuple((start, start + 10) for start in starts))


@given(range_sets, st.integers(1, SIZE_MAX), st.randoms(use_true_random=False))
def test_order_of_members_changes_the_order_of_parts_only(
    members: list[str], size: int, chance: Any
) -> None:
    shuffled = chance.sample(members, len(members))
    plan = plan_ranges("bytes=" + ",".join(members), size)
    other = plan_ranges("bytes=" + ",".join(shuffled), size)
    assert type(plan) is type(other)
    assert sorted(_intervals(plan, size)) == sorted(_intervals(other, size))


@given(st.text(), st.integers(0, 10**13))
def test_no_text_raises_and_no_plan_leaves_the_object(text: str, size: int) -> None:
    for header in (text, f"bytes={text}"):
        for start, stop in _intervals(plan_ranges(header, size), size):
            assert 0 <= start <= stop <= size


@given(st.text(alphabet="0123456789-, \t", max_size=60), st.integers(0, 50))
def test_texts_near_the_grammar_are_planned_or_ignored(text: str, size: int) -> None:
    valid = [member.strip(" \t") for member in text.split(",") if member.strip(" \t")]
    plan = plan_ranges(f"bytes={text}", size)
    if not valid or any(" " in member or "\t" in member for member in valid):
        assert plan == Whole()
    if any(member.count("-") != 1 or member == "-" for member in valid):
        assert plan == Whole()


@pytest.mark.parametrize("digit_count", [19, 20, 400, 4301, 16_000])
def test_positions_of_any_length_are_compared_as_numbers(digit_count: int) -> None:
    digits = "9" * digit_count
    assert plan_ranges(f"bytes=5-{digits}", 10) == Single(5, 10)
    assert plan_ranges(f"bytes=-{digits}", 10) == Single(0, 10)
    assert plan_ranges(f"bytes={digits}-", 10) == Unsatisfiable()
    assert plan_ranges("bytes=" + "0" * digit_count + "5-7", 10) == Single(5, 8)
    assert plan_ranges("bytes=-" + "0" * digit_count, 10) == Unsatisfiable()
    assert plan_ranges(f"bytes={digits}-8", 10) == Whole()


def test_field_beyond_the_length_limit_is_ignored() -> None:
    longest = "bytes=" + "0-9".rjust(MAX_FIELD_LENGTH - 6)
    assert plan_ranges(longest, 100) == Single(0, 10)
    assert plan_ranges(longest + " ", 100) == Whole()


def test_field_with_too_many_members_is_ignored() -> None:
    assert plan_ranges("bytes=" + "0-9," * MAX_SPECS, 100) == Single(0, 10)
    assert plan_ranges("bytes=" + "0-9," * (MAX_SPECS + 1), 100) == Whole()
    assert plan_ranges("bytes=" + "," * 10_000 + "0-9", 100) == Single(0, 10)


def test_specs_are_read_apart_from_the_object() -> None:
    assert parse_ranges("bytes=0-9, 5-, -3") == (Span(0, 9), Span(5, None), Suffix(3))
    assert parse_ranges("bytes=0-9,x") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes 0-0/1", ContentRange(0, 1, 1)),
        ("bytes 42-1233/1234", ContentRange(42, 1234, 1234)),
        ("bytes 42-1233/*", ContentRange(42, 1234, None)),
        ("BYTES 0-9/10", ContentRange(0, 10, 10)),
        (" bytes 0-9/10\t", ContentRange(0, 10, 10)),
        ("bytes 007-9/0010", ContentRange(7, 10, 10)),
        ("bytes */1234", None),
        ("bytes */*", None),
        ("bytes 0-9", None),
        ("bytes 0-9/", None),
        ("bytes 9-0/10", None),
        ("bytes 0-10/10", None),
        ("bytes 10-10/10", None),
        ("bytes 0-/10", None),
        ("bytes -9/10", None),
        ("bytes=0-9/10", None),
        ("bytes  0-9/10", None),
        ("bytes 0 - 9/10", None),
        ("bytes 0-9 /10", None),
        ("seconds 0-9/10", None),
        ("byteſ 0-9/10", None),
        ("bytes +0-9/10", None),
        ("bytes 0-9/1_0", None),
        ("bytes 0-٩/10", None),
        ("bytes 0-9/10\n", None),
        ("bytes 0-9/10, bytes 0-9/10", None),
        ("bytes 0-" + "9" * 5000 + "/*", None),
        ("bytes 0-9/" + "9" * 5000, None),
        ("", None),
    ],
)
def test_content_range_is_read_strictly(text: str, expected: ContentRange | None) -> None:
    assert parse_content_range(text) == expected


@given(st.integers(0, 10**15), st.integers(1, 10**15), st.integers(0, 10**15))
def test_content_range_survives_writing_and_reading(start: int, length: int, rest: int) -> None:
    size = start + length + rest
    text = format_content_range(start, start + length, size)
    assert parse_content_range(text) == ContentRange(start, start + length, size)


@given(st.text())
def test_no_content_range_raises(text: str) -> None:
    parse_content_range(text)
    parse_content_range(f"bytes {text}")


def test_unsatisfied_range_names_the_size_alone() -> None:
    assert format_unsatisfied_range(0) == "bytes */0"
    assert format_unsatisfied_range(1234) == "bytes */1234"


def _render(segments: tuple[bytes | tuple[int, int], ...], content: bytes) -> bytes:
    return b"".join(
        segment if isinstance(segment, bytes) else content[segment[0] : segment[1]]
        for segment in segments
    )


def test_multipart_is_the_form_of_the_standard() -> None:
    layout = lay_out_multipart([(500, 503), (0, 1)], 1000, "video/mp4", "THIS_SEPARATES")
    assert layout.content_type == "multipart/byteranges; boundary=THIS_SEPARATES"
    assert _render(layout.segments, b"x" + b"." * 499 + b"abc" + b"." * 497) == (
        b"--THIS_SEPARATES\r\n"
        b"Content-Type: video/mp4\r\n"
        b"Content-Range: bytes 500-502/1000\r\n"
        b"\r\n"
        b"abc\r\n"
        b"--THIS_SEPARATES\r\n"
        b"Content-Type: video/mp4\r\n"
        b"Content-Range: bytes 0-0/1000\r\n"
        b"\r\n"
        b"x\r\n"
        b"--THIS_SEPARATES--\r\n"
    )


def test_multipart_of_untyped_object_has_no_type_in_its_parts() -> None:
    layout = lay_out_multipart([(0, 1), (9, 10)], 10, "", "b")
    assert b"Content-Type" not in _render(layout.segments, b"0123456789")


def test_multipart_keeps_the_bytes_of_an_odd_type() -> None:
    odd = b'text/plain; x="\xfc"'
    layout = lay_out_multipart([(0, 1)], 1, odd.decode("ascii", "surrogateescape"), "b")
    assert odd in _render(layout.segments, b"0")


@pytest.mark.parametrize("boundary", ["", "a b", 'a"', "a\r\n", "x" * 71])
def test_unfit_boundary_is_our_own_mistake(boundary: str) -> None:
    with pytest.raises(AssertionError):
        lay_out_multipart([(0, 1)], 1, "video/mp4", boundary)


@pytest.mark.parametrize("content_type", ["video/mp4\r\nX: y", "a\nb", "a\rb"])
def test_type_that_would_add_a_field_is_our_own_mistake(content_type: str) -> None:
    with pytest.raises(AssertionError):
        lay_out_multipart([(0, 1)], 1, content_type, "b")


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 99)), min_size=1, max_size=16),
    st.sampled_from(["video/mp4", "", "text/plain; charset=utf-8", "x/ü"]),
    st.from_regex(r"[A-Za-z0-9_-]{1,70}", fullmatch=True),
)
def test_multipart_length_is_that_of_its_bytes(
    spans: list[tuple[int, int]], content_type: str, boundary: str
) -> None:
    parts = [(start, start + length) for start, length in spans]
    content = bytes(offset % 251 for offset in range(1000))
    layout = lay_out_multipart(parts, len(content), content_type, boundary)
    body = _render(layout.segments, content)
    assert layout.content_length == len(body)
    assert [segment for segment in layout.segments if isinstance(segment, tuple)] == parts

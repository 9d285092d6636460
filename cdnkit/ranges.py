"""Byte ranges of RFC 9110 14: what a Range field asks for, and which bytes that means.

Two questions kept apart: is the field well formed (`parse_ranges`), and which bytes of an object
of this size does it name (`resolve_ranges`). Intervals are half open; the inclusive form exists
only in header text. Whether Range counts at all (GET only, If-Range) is the caller's to decide,
and sending the bytes is the caller's to do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

# What one request may cost (RFC 9110 17.15: many small, overlapping or unordered ranges are a way
# to make a server work for little). A field may be ignored whenever it is unreasonable (14.2).
MAX_FIELD_LENGTH: Final = 16_384
"""Longer fields are ignored, so that the work per request has a bound."""
MAX_SPECS: Final = 128
"""More members than this are ignored before they are sorted."""
MAX_PARTS: Final = 16
"""More parts than this after joining: the whole object costs less than so many seeks."""
MAX_OVERLAPS: Final = 2
"""14.2 names "more than two overlapping ranges"; beyond it the asked order is not kept."""
JOIN_GAP_BYTES: Final = 80
"""A smaller gap is sent along: the head of another part would be longer (15.3.7.2)."""

_UNIT: Final = "bytes"
_SPEC: Final = re.compile(r"([0-9]*+)-([0-9]*+)")
_POSITION_DIGITS_MAX: Final = 18
_BEYOND_ANY_OBJECT: Final = 10**_POSITION_DIGITS_MAX
_CONTENT_RANGE: Final = re.compile(
    r"bytes ([0-9]++)-([0-9]++)/(?:([0-9]++)|\*)", re.IGNORECASE | re.ASCII
)
_BOUNDARY: Final = re.compile(r"[A-Za-z0-9_-]{1,70}")


@dataclass(frozen=True, slots=True)
class Whole:
    """There is no range to honour: 200 and everything."""


@dataclass(frozen=True, slots=True)
class Single:
    """206 with Content-Range."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Multi:
    """206 as multipart/byteranges: two or more disjoint intervals in the order to send."""

    parts: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """416: well formed, and no byte of the object in it."""


RangePlan: TypeAlias = Whole | Single | Multi | Unsatisfiable

_WHOLE: Final = Whole()
_UNSATISFIABLE: Final = Unsatisfiable()


@dataclass(frozen=True, slots=True)
class Span:
    """`first-last` as it was asked for; `last` is None in `first-`."""

    first: int
    last: int | None


@dataclass(frozen=True, slots=True)
class Suffix:
    """`-length`: the end of the object."""

    length: int


RangeSpec: TypeAlias = Span | Suffix


@dataclass(frozen=True, slots=True)
class ContentRange:
    """Which bytes a 206 holds; `size_bytes` is None when the sender did not know it."""

    start: int
    stop: int
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class MultipartLayout:
    """A multipart/byteranges body before it is read: literal bytes, and intervals of the object."""

    content_type: str
    content_length: int
    segments: tuple[bytes | tuple[int, int], ...]


def plan_ranges(header: str | None, size_bytes: int) -> RangePlan:
    """What to send of an object of `size_bytes` for this Range field (RFC 9110 14.2)."""
    if header is None:
        return _WHOLE
    specs = parse_ranges(header)
    return _WHOLE if specs is None else resolve_ranges(specs, size_bytes)


def parse_ranges(header: str) -> tuple[RangeSpec, ...] | None:
    """The members of a Range field, or None when it has to be ignored (RFC 9110 14.1, 14.2).

    Positions too long for any object are cut to one that is still beyond it.
    """
    unit, equals, members = header.strip(" \t").partition("=")
    if not equals or unit.lower() != _UNIT or len(header) > MAX_FIELD_LENGTH:
        return None
    specs: list[RangeSpec] = []
    for member in members.split(","):
        text = member.strip(" \t")
        if not text:  # empty list elements count for nothing (5.6.1.2)
            continue
        spec = _parse_spec(text)
        if spec is None or len(specs) == MAX_SPECS:
            return None
        specs.append(spec)
    return tuple(specs) or None


def resolve_ranges(specs: Sequence[RangeSpec], size_bytes: int) -> RangePlan:
    """The bytes that well-formed specs mean for an object of this size (RFC 9110 14.1.2)."""
    if size_bytes == 0:
        # A suffix of nothing is satisfiable, and no Content-Range could say so.
        ends = any(isinstance(spec, Suffix) and spec.length > 0 for spec in specs)
        return _WHOLE if ends else _UNSATISFIABLE
    asked = [interval for spec in specs if (interval := _resolve_spec(spec, size_bytes))]
    if not asked:
        return _UNSATISFIABLE
    parts = asked if len(asked) == 1 else _join(asked)
    if len(parts) == 1:
        return Single(*parts[0])
    return Multi(tuple(parts)) if len(parts) <= MAX_PARTS else _WHOLE


def format_content_range(start: int, stop: int, size_bytes: int) -> str:
    """Content-Range of the bytes [start, stop) of an object (RFC 9110 14.4)."""
    return f"bytes {start}-{stop - 1}/{size_bytes}"


def format_unsatisfied_range(size_bytes: int) -> str:
    """Content-Range of a 416 (RFC 9110 14.4, 15.5.17)."""
    return f"bytes */{size_bytes}"


def parse_content_range(text: str) -> ContentRange | None:
    """Which bytes a 206 says it holds; None when invalid or not bytes (RFC 9110 14.4)."""
    match = _CONTENT_RANGE.fullmatch(text.strip(" \t"))
    if match is None:
        return None
    first, last = _number(match[1]), _number(match[2])
    size_bytes = None if match[3] is None else _number(match[3])
    if max(first, last, size_bytes or 0) >= _BEYOND_ANY_OBJECT:
        return None
    if last < first or (size_bytes is not None and size_bytes <= last):
        return None
    return ContentRange(first, last + 1, size_bytes)


def lay_out_multipart(
    parts: Sequence[tuple[int, int]], size_bytes: int, content_type: str, boundary: str
) -> MultipartLayout:
    """The body of a 206 with several parts, its length exact (RFC 9110 14.6).

    `content_type` is that of the object and may be empty; `boundary` is long and random, because
    nobody searches the object for it.
    """
    assert _BOUNDARY.fullmatch(boundary), boundary
    assert "\r" not in content_type, content_type
    assert "\n" not in content_type, content_type
    typed = f"Content-Type: {content_type}\r\n" if content_type else ""
    opening = f"--{boundary}\r\n{typed}".encode("utf-8", "surrogateescape")
    segments: list[bytes | tuple[int, int]] = []
    length = 0
    for start, stop in parts:
        content_range = format_content_range(start, stop, size_bytes)
        head = b"%sContent-Range: %s\r\n\r\n" % (opening, content_range.encode("ascii"))
        if segments:
            head = b"\r\n" + head
        segments += (head, (start, stop))
        length += len(head) + stop - start
    closing = f"\r\n--{boundary}--\r\n".encode("ascii")
    return MultipartLayout(
        content_type=f"multipart/byteranges; boundary={boundary}",
        content_length=length + len(closing),
        segments=(*segments, closing),
    )


def _parse_spec(text: str) -> RangeSpec | None:
    match = _SPEC.fullmatch(text)
    if match is None:
        return None
    first, last = match[1].lstrip("0"), match[2].lstrip("0")
    if not match[1]:
        return Suffix(_number(last)) if match[2] else None
    if not match[2]:
        return Span(_number(first), None)
    # Digits without leading zeros compare as numbers by length, then by text.
    if (len(last), last) < (len(first), first):
        return None
    return Span(_number(first), _number(last))


def _number(digits: str) -> int:
    """ASCII digits as a number, cut to one beyond any object (int() refuses long texts)."""
    significant = digits.lstrip("0")
    if len(significant) > _POSITION_DIGITS_MAX:
        return _BEYOND_ANY_OBJECT
    return int(significant or "0")


def _resolve_spec(spec: RangeSpec, size_bytes: int) -> tuple[int, int] | None:
    """None when the object has no byte of it (RFC 9110 14.1.2)."""
    if isinstance(spec, Suffix):
        return (max(0, size_bytes - spec.length), size_bytes) if spec.length else None
    if spec.first >= size_bytes:
        return None
    stop = size_bytes if spec.last is None else min(spec.last + 1, size_bytes)
    return spec.first, stop


def _join(asked: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Disjoint intervals that cover the asked ones, each at the place of its first member.

    Whatever was asked, they hold no byte twice: the answer is never longer than the object and
    the heads of MAX_PARTS parts (RFC 9110 15.3.7.2, 17.15).
    """
    joined: list[tuple[int, int, int]] = []  # place in the field, start, stop
    overlaps = 0
    for start, stop, place in sorted((*interval, place) for place, interval in enumerate(asked)):
        if joined and start - joined[-1][2] < JOIN_GAP_BYTES:
            first_place, first_start, last_stop = joined[-1]
            overlaps += start < last_stop
            joined[-1] = (min(place, first_place), first_start, max(stop, last_stop))
        else:
            joined.append((place, start, stop))
    if overlaps <= MAX_OVERLAPS:
        joined.sort()
    return [(start, stop) for _, start, stop in joined]

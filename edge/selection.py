"""Which of an entry's bytes a request selects, or why none: conditions, then ranges. Pure.

RFC 9110 13.2.2 gives the order; the answer is a union that carries what its head needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cdnkit.dates import parse_http_date
from cdnkit.fields import FieldLines
from cdnkit.ranges import (
    Multi,
    Single,
    Span,
    Unsatisfiable,
    format_content_range,
    format_unsatisfied_range,
    parse_ranges,
    plan_ranges,
)
from cdnkit.validators import Validators, Verdict, evaluate, range_applies
from edge.entry import Entry
from edge.http1.request import Request

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class NotModified:
    """304: the client's copy stands."""


@dataclass(frozen=True, slots=True)
class Failed:
    """412: a condition of the request does not hold."""


@dataclass(frozen=True, slots=True)
class OutOfRange:
    """416: no byte asked for exists; `content_range` says how many there are."""

    content_range: str


@dataclass(frozen=True, slots=True)
class Everything:
    """The whole content, under the status the entry was stored with."""

    stop: int


@dataclass(frozen=True, slots=True)
class Part:
    """206 with bytes [start, stop)."""

    start: int
    stop: int
    content_range: str


@dataclass(frozen=True, slots=True)
class Parts:
    """206 with several intervals."""

    intervals: tuple[Interval, ...]


Selection = NotModified | Failed | OutOfRange | Everything | Part | Parts

_CONDITIONS = (b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since")


def select(request: Request, entry: Entry) -> Selection:
    """What a GET or HEAD is to be answered with."""
    if entry.head.status != 200:
        return Everything(entry.size_bytes)
    verdict = evaluate(
        request.method.decode("latin-1"), _conditions(request), _known(request, entry)
    )
    if verdict is Verdict.NOT_MODIFIED:
        return NotModified()
    if verdict is Verdict.FAILED:
        return Failed()
    size = entry.size_bytes
    if not _range_counts(request, entry):
        return Everything(size)
    match plan_ranges(request.fields.text(b"range"), size):
        case Unsatisfiable():
            return OutOfRange(format_unsatisfied_range(size))
        case Single(start, stop):
            return Part(start, stop, format_content_range(start, stop, size))
        case Multi(parts):
            return Parts(parts)
        case _:
            return Everything(size)


def first_wanted(request: Request) -> tuple[int, int | None] | None:
    """Bytes [first, stop) a viewer of unknown content begins with; None for the whole of it.

    `stop` is None when the end of the content is meant. A suffix says nothing before the length is
    known: the beginning tells it.
    """
    header = request.fields.text(b"range")
    specs = None if header is None else parse_ranges(header)
    if not specs:
        return None
    spans = [spec for spec in specs if isinstance(spec, Span)]
    if not spans:
        return 0, 1
    first = min(spans, key=lambda span: span.first)
    return first.first, None if first.last is None else first.last + 1


def is_servable(entry: Entry, selection: Selection) -> bool:
    """Can every byte selected be had: held, on its way, or to be asked for by range?"""
    if entry.is_rangeable or entry.is_complete:
        return True
    block_bytes = entry.block_bytes
    return all(
        entry.at_hand(block)
        for start, stop in intervals_of(selection)
        for block in range(start // block_bytes, -(-stop // block_bytes))
    )


def intervals_of(selection: Selection) -> Sequence[Interval]:
    """The bytes a selection sends."""
    match selection:
        case Part(start, stop, _):
            return [(start, stop)]
        case Parts(intervals):
            return intervals
        case Everything(stop):
            return [(0, stop)]
        case _:
            return []


def _range_counts(request: Request, entry: Entry) -> bool:
    """RFC 9110 14.2, 13.1.5: only for GET, and only if If-Range names this very version."""
    if request.method != b"GET" or b"range" not in request.fields:
        return False
    if b"if-range" not in request.fields:
        return True
    return range_applies(request.fields.text(b"if-range"), entry.validators, _date(entry) or 0)


def _known(request: Request, entry: Entry) -> Validators:
    """For If-Modified-Since without a Last-Modified, the answer's date stands for it, else its
    receipt (RFC 9111 4.3.2); for no other condition."""
    known, fields = entry.validators, request.fields
    if known.last_modified is not None or b"if-modified-since" not in fields:
        return known
    if b"if-unmodified-since" in fields:
        return known
    date = _date(entry)
    return replace(known, last_modified=int(entry.head.received_at) if date is None else date)


def _date(entry: Entry) -> int | None:
    date = FieldLines(entry.head.pairs).text(b"date")
    return None if date is None else parse_http_date(date)


def _conditions(request: Request) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _CONDITIONS:
        text = request.fields.text(name)
        if text is not None:
            found[name.decode()] = text
    return found

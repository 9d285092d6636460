"""Entity tags, dates and the conditions on them: may a request proceed, and does its Range hold?

Decides from the request's fields and the validators of what is stored now, in the order of
RFC 9110 13.2.2. The caller asks only when the plain answer would be a 2xx (13.2.1), and makes the
304, 412 or 206 itself.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cdnkit.dates import parse_http_date


@dataclass(frozen=True, slots=True)
class Validators:
    """What is known of the current representation: its tag as sent, its date in seconds."""

    etag: str | None = None
    last_modified: int | None = None


class Verdict(enum.Enum):
    """What the conditions say: answer, 304, or 412."""

    PROCEED = "proceed"
    NOT_MODIFIED = "not-modified"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class _Star:
    """The field was `*`: any current representation."""


_Tags = frozenset[str]

_STAR: Final = _Star()
_READING_METHODS: Final = frozenset({"GET", "HEAD"})
# They select and change no representation, so conditions mean nothing to them (13.2.1).
_UNCONDITIONAL_METHODS: Final = frozenset({"CONNECT", "OPTIONS", "TRACE"})

# etagc of RFC 9110 8.8.3. obs-text may have been decoded to any character above 0x7F.
_OPAQUE_TAG: Final = '"[\x21\x23-\x7e\x80-\U0010ffff]*+"'
_STRONG_TAG: Final = re.compile(_OPAQUE_TAG)
_TAG: Final = re.compile(f"(?:W/)?{_OPAQUE_TAG}")
_LEADING_SEPARATORS: Final = re.compile(r"[ \t,]*+")
_SEPARATOR: Final = re.compile(r"[ \t]*+(?:,[ \t,]*+|\Z)")


def is_strong_etag(text: str) -> bool:
    """A well-formed tag without the weakness mark (RFC 9110 8.8.3)."""
    return _STRONG_TAG.fullmatch(text) is not None


def evaluate(method: str, fields: Mapping[str, str], current: Validators | None) -> Verdict:
    """The verdict of RFC 9110 13.2.2 on `current`, which is None when nothing is stored.

    `fields` has lower-case names, the lines of one field joined by a comma.
    """
    if method in _UNCONDITIONAL_METHODS:
        return Verdict.PROCEED
    if_match = fields.get("if-match")
    if if_match is not None:
        if not _matches_strongly(if_match, current):
            return Verdict.FAILED
    elif _was_modified_since(fields.get("if-unmodified-since"), current):
        return Verdict.FAILED
    reading = method in _READING_METHODS
    if_none_match = fields.get("if-none-match")
    if if_none_match is not None:
        return _judge_none_match(if_none_match, current, reading)
    if reading and _is_unmodified_since(fields.get("if-modified-since"), current):
        return Verdict.NOT_MODIFIED
    return Verdict.PROCEED


def range_applies(if_range: str | None, current: Validators, date: int | None) -> bool:
    """Whether Range counts: the bytes are surely those the client holds (RFC 9110 13.1.5).

    `date` is the Date of the stored answer; None says that the caller made the object itself and
    vouches that it did not change twice in one second (8.8.2.2).
    """
    if if_range is None:
        return True
    if_range = if_range.strip(" \t")
    if is_strong_etag(if_range):
        return if_range == current.etag
    asked = parse_http_date(if_range)
    if asked is None or asked != current.last_modified:
        return False
    return date is None or date - asked >= 1


def _parse_tags(text: str) -> _Star | _Tags | None:
    """`*`, or a list of tags as they were written; None when it is neither (RFC 9110 13.1.1)."""
    if text.strip(" \t") == "*":
        return _STAR
    tags: list[str] = []
    position = _end(_LEADING_SEPARATORS, text, 0)
    while position is not None and position < len(text):
        stop = _end(_TAG, text, position)
        if stop is None:
            return None
        tags.append(text[position:stop])
        position = _end(_SEPARATOR, text, stop)
    return None if position is None else frozenset(tags)


def _end(pattern: re.Pattern[str], text: str, position: int) -> int | None:
    match = pattern.match(text, position)
    return None if match is None else match.end()


def _matches_strongly(if_match: str, current: Validators | None) -> bool:
    tags = _parse_tags(if_match)
    if current is None or tags is None:
        return False
    if isinstance(tags, _Star):
        return True
    return current.etag is not None and is_strong_etag(current.etag) and current.etag in tags


def _judge_none_match(if_none_match: str, current: Validators | None, reading: bool) -> Verdict:
    tags = _parse_tags(if_none_match)
    if tags is None:
        # A reader gets the whole thing; a writer meant to protect something, so nothing is
        # written under a condition that cannot be read.
        return Verdict.PROCEED if reading else Verdict.FAILED
    if current is None or not _matches_weakly(tags, current.etag):
        return Verdict.PROCEED
    return Verdict.NOT_MODIFIED if reading else Verdict.FAILED


def _matches_weakly(tags: _Star | _Tags, etag: str | None) -> bool:
    if isinstance(tags, _Star):
        return True
    if etag is None or _TAG.fullmatch(etag) is None:
        return False
    opaque = etag.removeprefix("W/")
    return opaque in tags or f"W/{opaque}" in tags


def _was_modified_since(if_unmodified_since: str | None, current: Validators | None) -> bool:
    """False also when there is nothing to compare (RFC 9110 13.1.4)."""
    asked, changed = _dates(if_unmodified_since, current)
    return asked is not None and changed is not None and changed > asked


def _is_unmodified_since(if_modified_since: str | None, current: Validators | None) -> bool:
    """False also when there is nothing to compare (RFC 9110 13.1.3)."""
    asked, changed = _dates(if_modified_since, current)
    return asked is not None and changed is not None and changed <= asked


def _dates(field: str | None, current: Validators | None) -> tuple[int | None, int | None]:
    if field is None or current is None or current.last_modified is None:
        return None, None
    return parse_http_date(field.strip(" \t")), current.last_modified

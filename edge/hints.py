"""Which object a player says it will ask for next (CMCD `nor`, `nrr`; CTA-5004). Pure.

A hint is followed inside the title only: the directory of the request and what lies below it. The
path is decoded once, as it was encoded once, and must then be plain; whatever could be read in two
ways is no hint.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from edge.cmcd import Cmcd

HINT_BYTES_MAX: Final = 8 * 1024 * 1024
"""Most that is fetched for one hint."""
_PATH_LENGTH_MAX: Final = 1024
_PLAIN: Final = re.compile(
    rb"(?!/)(?:[A-Za-z0-9._~!$&'()*+,;=@/-]|%(?!2[EeFf]|5[Cc]|00)[0-9A-Fa-f]{2})+"
)
"""Segments without a colon (no scheme), a query, a backslash or an escaped dot, slash or zero."""
_DOTS: Final = re.compile(rb"(?:^|/)\.{1,2}(?:[/;]|$)|//")
_RANGE: Final = re.compile(r"([0-9]{1,15})-([0-9]{0,15})")


@dataclass(frozen=True, slots=True)
class Hint:
    """Bytes [start, stop) of a target."""

    target: bytes
    start: int
    stop: int


def hint_of(target: bytes, said: Cmcd) -> Hint | None:
    """What a player that asks for `target` will ask for next; None when it does not say so."""
    if not said.next_object and not said.next_range:
        return None
    part = _part(said.next_range)
    following = _inside(target, said.next_object) if said.next_object else target
    if part is None or following is None:
        return None
    return Hint(following, *part)


def _inside(target: bytes, text: str) -> bytes | None:
    try:
        path = unquote_to_bytes(text.encode("ascii")).removeprefix(b"./")
    except UnicodeEncodeError:
        return None
    if len(path) > _PATH_LENGTH_MAX or not _PLAIN.fullmatch(path) or _DOTS.search(path):
        return None
    directory, slash, _ = target.partition(b"?")[0].rpartition(b"/")
    return directory + slash + path


def _part(text: str) -> tuple[int, int] | None:
    if not text:
        return 0, HINT_BYTES_MAX
    found = _RANGE.fullmatch(text.removeprefix("bytes="))
    if found is None:
        return None
    start = int(found[1])
    stop = int(found[2]) + 1 if found[2] else start + HINT_BYTES_MAX
    return (start, min(stop, start + HINT_BYTES_MAX)) if start < stop else None

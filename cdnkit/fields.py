"""Header fields as they came: an ordered list of (lower-case name, value) pairs of raw bytes.

Decides how lines of one name combine, which fields end at this hop, and what a 304 does to a
stored head. What a value means is left to the module of its grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

Pair = tuple[bytes, bytes]

HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Fields that speak of one connection only (RFC 9110 7.6.1, RFC 9111 3.1)."""

_KEPT_ON_304: Final = frozenset({b"content-length", b"content-encoding", b"content-range"})
_MEMBER: Final = re.compile(r'(?:[^,"]++|"(?:[^"\\]++|\\.)*+"|"(?P<open>.*+))++', re.DOTALL)
_OWS: Final = " \t"


class FieldLines:
    """Look-up of field lines by lower-case name; keeps the order of lines."""

    __slots__ = ("_lines",)

    def __init__(self, pairs: Iterable[Pair]) -> None:
        lines: dict[bytes, list[bytes]] = {}
        for name, value in pairs:
            lines.setdefault(name, []).append(value)
        self._lines = lines

    def __contains__(self, name: bytes) -> bool:
        return name in self._lines

    def lines(self, name: bytes) -> Sequence[bytes]:
        """Every line of this name, in order; empty when there is none."""
        return self._lines.get(name, ())

    def first(self, name: bytes) -> bytes | None:
        """The first line of this name."""
        found = self._lines.get(name)
        return found[0] if found else None

    def combined(self, name: bytes) -> bytes | None:
        """All lines of this name as one value (RFC 9110 5.2)."""
        found = self._lines.get(name)
        if found is None:
            return None
        return found[0] if len(found) == 1 else b", ".join(found)

    def text(self, name: bytes) -> str | None:
        """The combined value as text, byte for character."""
        value = self.combined(name)
        return None if value is None else value.decode("latin-1")


def split_list(text: str) -> list[str]:
    """Members of a comma-separated value, trimmed; a quoted string is never cut (RFC 9110 5.6.1).

    A quote that never ends is taken for an ordinary character, so that nothing hides behind it.
    """
    members: list[str] = []
    for match in _MEMBER.finditer(text):
        if match["open"] is None:
            members.append(match[0].strip(_OWS))
        else:
            members.extend(part.strip(_OWS) for part in match[0].split(","))
    return [member for member in members if member]


def connection_names(fields: FieldLines) -> frozenset[bytes]:
    """Lower-case names that Connection declares to end at this hop."""
    named = fields.text(b"connection")
    if named is None:
        return frozenset()
    return frozenset(name.lower().encode("latin-1") for name in split_list(named))


def end_to_end(pairs: Sequence[Pair], withheld: frozenset[bytes] = frozenset()) -> list[Pair]:
    """The fields that may be stored and passed on: no hop-by-hop ones, none in `withheld`."""
    dropped = HOP_BY_HOP | connection_names(FieldLines(pairs)) | withheld
    return [pair for pair in pairs if pair[0] not in dropped]


def updated_by_304(stored: Sequence[Pair], answer: Sequence[Pair]) -> list[Pair]:
    """The stored head after a 304: every field it carries replaces ours (RFC 9111 3.2).

    Fields that describe the stored bytes stay: Content-Length, Content-Encoding, Content-Range.
    """
    fresh = [pair for pair in end_to_end(answer) if pair[0] not in _KEPT_ON_304]
    replaced = {name for name, _ in fresh}
    return [pair for pair in stored if pair[0] not in replaced] + fresh

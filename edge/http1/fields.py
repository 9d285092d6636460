"""Field lines of HTTP/1.1 (RFC 9112 5): a block of bytes to (lower-case name, value) pairs.

One grammar for requests and answers. Whatever two parsers could read differently (white space
before the colon, bare CR or LF, NUL, line folding) is an error here; the callers decide what it
costs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from cdnkit.fields import FieldLines, Pair

FIELDS_MAX: Final = 128
"""More lines than any player sends by a factor of four; a bound on work per request."""

# field-line = field-name ":" OWS field-value OWS; obs-fold is left out on purpose (RFC 9112 5.2).
# Possessive, and white space is stripped afterwards: no line costs more than one pass.
_LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]++):([\t \x21-\x7e\x80-\xff]*+)\Z")
_DIGITS: Final = re.compile(rb"[0-9]{1,18}\Z")


class FieldError(ValueError):
    """The block does not follow the grammar; the message names the rule, not the bytes."""


class TooManyFieldsError(FieldError):
    """More than FIELDS_MAX lines."""


def parse_fields(block: bytes) -> list[Pair]:
    """Read field lines separated by CRLF; the block ends without the empty line.

    Raises FieldError.
    """
    if not block:
        return []
    lines = block.split(b"\r\n")
    if len(lines) > FIELDS_MAX:
        raise TooManyFieldsError(f"more than {FIELDS_MAX} field lines")
    fields: list[Pair] = []
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            raise FieldError("a field line outside the grammar")
        fields.append((match[1].lower(), match[2].strip(b" \t")))
    return fields


def members(fields: FieldLines, name: bytes) -> list[bytes]:
    """The comma-separated members of all lines called `name`, lower case, without empty ones."""
    joined = b",".join(fields.lines(name)).lower()
    return [member for part in joined.split(b",") if (member := part.strip(b" \t"))]


def parse_content_length(values: Sequence[bytes]) -> int | None:
    """The announced length, None when there is none.

    Raises FieldError when it is not digits or when lines differ (RFC 9112 6.3 rule 5); equal
    repetitions count once (RFC 9110 8.6).
    """
    if not values:
        return None
    distinct = {part.strip(b" \t") for value in values for part in value.split(b",")}
    if len(distinct) != 1:
        raise FieldError("Content-Length lines differ")
    text = distinct.pop()
    if _DIGITS.match(text) is None:
        raise FieldError("Content-Length is not a number")
    return int(text)

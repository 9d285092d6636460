"""What an object may be called, so that one name means one thing everywhere.

Decides whether a text is an object key: the same bytes in a URL path, in a cache index and in a
file system, with nothing to decode, no dot segment and no empty one. Whether anything is stored
under the key is for the tiers to say.
"""

from __future__ import annotations

import re
from typing import Final

from cdnkit.errors import BadKeyError
from cdnkit.wire import RESERVED_FIRST_SEGMENTS

MAX_KEY_BYTES: Final = 1024

KEY_PATTERN: Final = "^[A-Za-z0-9_][A-Za-z0-9._+=@,-]*(/[A-Za-z0-9_][A-Za-z0-9._+=@,-]*)*$"
"""The grammar of keys for readers of schemas (ECMA 262); reserved beginnings are not in it."""

_SEGMENT: Final = r"[A-Za-z0-9_][A-Za-z0-9._+=@,-]*+"
_KEY: Final = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*+")
_QUOTED_LENGTH_MAX: Final = 60


def parse_key(text: str) -> str:
    """Return `text` when it is an object key; raises BadKeyError with the reason otherwise."""
    if len(text) > MAX_KEY_BYTES:  # every allowed character is one byte
        raise BadKeyError(f"the key has more than {MAX_KEY_BYTES} bytes")
    if _KEY.fullmatch(text) is None:
        raise BadKeyError(_complaint(text))
    first_segment = text.partition("/")[0]
    if first_segment in RESERVED_FIRST_SEGMENTS:
        raise BadKeyError(f"a key cannot begin with {first_segment!r}: that path is reserved")
    return text


def _complaint(text: str) -> str:
    quoted = repr(text[:_QUOTED_LENGTH_MAX]).encode("ascii", "backslashreplace").decode("ascii")
    if not text:
        return "the key is empty"
    if "%" in text:
        return f"the key {quoted} is percent-encoded; keys are written as they are"
    if "" in text.split("/"):
        return f"the key {quoted} has an empty segment"
    return (
        f"the key {quoted} has a segment outside the grammar: letters, digits and ._+=@,- are"
        " allowed, and each segment begins with a letter, a digit or _"
    )

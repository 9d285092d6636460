"""The header fields of draft-ietf-httpbis-resumable-upload, and which of the protocols is spoken.

Pure. All fields of the draft are structured (RFC 9651); unlike the standards that ignore what does
not parse, an upload whose offset cannot be read must be refused.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from cdnkit.errors import BadRequestError
from cdnkit.structured import format_dictionary, parse_item

CONTENT_TYPE: Final = "application/partial-upload"


class Dialect(enum.Enum):
    """Which protocol a message speaks."""

    TUS = "tus"
    DRAFT = "draft"


def dialect_of(fields: Mapping[str, str]) -> Dialect:
    """Told by its own fields; a message without any is answered as the draft says."""
    if "tus-resumable" in fields:
        return Dialect.TUS
    if "upload-complete" in fields:
        return Dialect.DRAFT
    is_tus = fields.get("content-type", "").startswith("application/offset+octet-stream") or any(
        name in fields for name in ("upload-concat", "upload-defer-length", "upload-metadata")
    )
    return Dialect.TUS if is_tus else Dialect.DRAFT


def parse_integer(text: str, name: str) -> int:
    """A structured Integer that is not negative. Raises BadRequestError."""
    item = parse_item(text)
    value = None if item is None else item[0]
    if type(value) is not int or value < 0:
        raise BadRequestError(f"{name} is not a whole number of bytes")
    return value


def parse_flag(text: str, name: str) -> bool:
    """A structured Boolean. Raises BadRequestError."""
    item = parse_item(text)
    if item is None or not isinstance(item[0], bool):
        raise BadRequestError(f"{name} is ?0 or ?1")
    return item[0]


def format_flag(value: bool) -> str:
    """The reverse of `parse_flag`."""
    return f"?{value:d}"


def format_limits(max_size: int, max_age_seconds: int | None = None) -> str:
    """Upload-Limit."""
    limits = {"max-size": max_size, "min-size": 0}
    if max_age_seconds is not None:
        limits["max-age"] = max(0, max_age_seconds)
    return format_dictionary(limits)

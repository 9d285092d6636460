"""What asks an S3 service for a range of an object, and what its answer says. Pure.

As narrow as can be: an answer that is not exactly the range asked for, of known length, is none,
and the caller asks again by way of the client library, which understands all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

HEAD_BYTES_MAX: Final = 16 * 1024

_STATUS: Final = re.compile(rb"HTTP/1\.1 206(?: [^\r\n]*)?")
_DIGITS: Final = re.compile(rb"[0-9]{1,15}")
_RANGE: Final = re.compile(rb"bytes ([0-9]{1,15})-([0-9]{1,15})/(?:[0-9]{1,15}|\*)")


class OtherAnswerError(ConnectionError):
    """Not the answer that was hoped for: an error, a redirect, a body without length."""


@dataclass(frozen=True, slots=True)
class RangeAnswer:
    """The head of an answer: where its body begins behind it, and whether another may follow."""

    body_at: int
    is_last: bool


def format_range_request(url: str, start: int, stop: int) -> bytes:
    """A request for bytes `[start, stop)` of what a signed URL names."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    return (
        f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Range: bytes={start}-{stop - 1}\r\nAccept-Encoding: identity\r\n\r\n"
    ).encode("ascii")


def parse_range_answer(data: bytes, start: int, stop: int) -> RangeAnswer | None:
    """What an answer to that request says; None as long as its head is not whole.

    Raises OtherAnswerError.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if len(data) > HEAD_BYTES_MAX:
            raise OtherAnswerError("a head without an end")
        return None
    status, *lines = data[:end].split(b"\r\n")
    if not _STATUS.fullmatch(status):
        raise OtherAnswerError(repr(status[:100]))
    fields: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        name = name.lower()
        if not colon or (name in fields and name in (b"content-length", b"content-range")):
            raise OtherAnswerError(repr(line[:100]))
        fields[name] = value.strip(b" \t")
    length = fields.get(b"content-length", b"")
    content_range = _RANGE.fullmatch(fields.get(b"content-range", b""))
    if b"transfer-encoding" in fields or not _DIGITS.fullmatch(length):
        raise OtherAnswerError("a body of unknown length")
    if fields.get(b"content-encoding", b"identity").lower() != b"identity":
        raise OtherAnswerError("an encoded body")
    if content_range is None or (int(content_range[1]), int(content_range[2]) + 1) != (start, stop):
        raise OtherAnswerError("another range")
    if int(length) != stop - start:
        raise OtherAnswerError("a length that is not the range's")
    options = {option.strip().lower() for option in fields.get(b"connection", b"").split(b",")}
    return RangeAnswer(end + 4, b"close" in options)

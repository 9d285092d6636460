"""An answer's head and the framing of its body (RFC 9112 4, 6.3), as a client must read them."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Final

from cdnkit.dates import format_http_date
from cdnkit.fields import FieldLines, Pair
from edge.http1.fields import FieldError, members, parse_content_length, parse_fields

RESPONSE_HEAD_BYTES_MAX: Final = 128 * 1024

_STATUS_LINE: Final = re.compile(
    rb"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: ([\t \x21-\x7e\x80-\xff]*))?\Z"
)
_FOLD: Final = re.compile(rb"\r\n[ \t]+")


class Framing(enum.Enum):
    """How the end of the content is known."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


@dataclass(slots=True)
class ResponseHead:
    """Status, fields and framing; `content_length` counts only under Framing.LENGTH."""

    status: int
    minor_version: int
    pairs: list[Pair]
    fields: FieldLines
    framing: Framing
    content_length: int
    keep_alive: bool

    def date(self, received_at: float) -> None:
        """Add the Date that an answer lacks: the moment of its receipt (RFC 9110 6.6.1)."""
        if b"date" not in self.fields:
            self.pairs.append((b"date", format_http_date(received_at).encode()))
            self.fields = FieldLines(self.pairs)


def parse_response(
    head: bytes, request_method: bytes, *, unknown_codings: bool = False
) -> ResponseHead:
    """Read a head that ends before its empty line.

    `unknown_codings` takes content under a coding other than chunked for what it is, up to the
    close (RFC 9112 6.3). Raises FieldError for anything outside the grammar, else an unknown
    transfer coding included.
    """
    line, _, block = head.partition(b"\r\n")
    match = _STATUS_LINE.match(line)
    if match is None:
        raise FieldError("the status line is outside the grammar")
    status = int(match[2])
    minor_version = min(int(match[1]), 1)
    # obs-fold is a space for a client (RFC 9112 5.2); a server would have refused it.
    if b"\r\n " in block or b"\r\n\t" in block:
        block = _FOLD.sub(b" ", block)
    pairs = _with_one_length(parse_fields(block))
    fields = FieldLines(pairs)
    framing, content_length = _frame(status, fields, request_method, unknown_codings)
    options = members(fields, b"connection")
    keep_alive = b"close" not in options and (minor_version >= 1 or b"keep-alive" in options)
    if framing is Framing.CHUNKED and (minor_version == 0 or b"content-length" in fields):
        # The sender's framing is not to be trusted beyond this answer (RFC 9112 6.1, 6.3).
        keep_alive = False
    return ResponseHead(
        status=status,
        minor_version=minor_version,
        pairs=pairs,
        fields=fields,
        framing=framing,
        content_length=content_length,
        keep_alive=keep_alive and framing is not Framing.CLOSE,
    )


def _with_one_length(pairs: list[Pair]) -> list[Pair]:
    """Equal repetitions of Content-Length become one line (RFC 9110 8.6)."""
    lengths = [value for name, value in pairs if name == b"content-length"]
    length = parse_content_length(lengths)
    if length is None or lengths == [b"%d" % length]:
        return pairs
    others = [pair for pair in pairs if pair[0] != b"content-length"]
    return [*others, (b"content-length", b"%d" % length)]


def _frame(
    status: int, fields: FieldLines, request_method: bytes, unknown_codings: bool
) -> tuple[Framing, int]:
    """RFC 9112 6.3, in its order."""
    if request_method == b"HEAD" or status < 200 or status in (204, 304):
        return Framing.NONE, 0
    if b"transfer-encoding" in fields:
        codings = members(fields, b"transfer-encoding")
        if codings == [b"chunked"]:
            return Framing.CHUNKED, 0
        # Content under another coding would be stored and passed on as something it is not; a
        # chunked one among them says that the sender knows what it does, and we do not.
        if not unknown_codings or not codings or b"chunked" in codings:
            raise FieldError("an unknown transfer coding")
        return Framing.CLOSE, 0
    length = parse_content_length(fields.lines(b"content-length"))
    if length is None:
        return Framing.CLOSE, 0
    return Framing.LENGTH, length

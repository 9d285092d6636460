"""Where one message ends and the next begins in the bytes that a client sends (RFC 9112 6).

aiohttp's parser reads some heads that another server would read otherwise, and loses what follows
a message that offers an upgrade. So the bytes are cut here at the end of each message, before the
parser sees them; it gets heads whole, and one that it would be too kind to not at all. What the
parser refuses by itself is left to it: after either refusal the connection ends.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import Final

CHUNK_LINE_BYTES_MAX: Final = 4096
"""Size and extensions of one chunk: nobody reads extensions, so nobody may send many (7.1.1)."""
TRAILER_BYTES_MAX: Final = 16 * 1024
HEAD_BYTES_MAX: Final = 64 * 1024
"""All lines; single lines and their number have the limits of the parser."""
BLANK_BYTES_MAX: Final = 8
"""Before a request line. One line end is to be ignored (2.2)."""

_CRLF: Final = b"\r\n"
_END: Final = b"\r\n\r\n"
_LINE: Final = re.compile(
    rb"(?P<method>[!#$%&'*+\-.^_`|~0-9A-Za-z]+) [\x21-\x7e]+ HTTP/(?P<version>[0-9]\.[0-9])\r\n"
)
_BEGINNING: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}(?: |\Z)")
_VERSIONS: Final = (b"1.0", b"1.1")
# A folded line belongs to the one before; the parser refuses it.
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)[ \t]*(?=\r\n)", re.IGNORECASE)
_CODINGS: Final = re.compile(rb"\r\ntransfer-encoding:([^\r\n]*)(?=\r\n)", re.IGNORECASE)
_TEXT: Final = re.compile(rb"[ \t]*[\x21-\x7e\x80-\xff][\t\x20-\x7e\x80-\xff]*")
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\Z")


class RefusedMessageError(Exception):
    """The message is not read; the connection closes after `status`."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class _In(enum.Enum):
    HEAD = enum.auto()
    BODY = enum.auto()
    CHUNK_LINE = enum.auto()
    CHUNK = enum.auto()
    TRAILERS = enum.auto()


class Framing:
    """Follows one connection from its first byte, or from the beginning of a message."""

    __slots__ = ("_held", "_in", "_left", "_trailer_bytes")

    def __init__(self) -> None:
        self._in = _In.HEAD
        self._held = b""
        """The beginning of a head or line that has not ended."""
        self._left = 0
        """Bytes of content to come, or of a chunk with its line end."""
        self._trailer_bytes = 0

    def cut(self, data: bytes) -> Iterator[bytes]:
        """Yield `data` in pieces, none of which goes on after the end of a message.

        A head that has not ended is held back. Raises RefusedMessageError when it comes to what
        is refused; what was yielded before is sound.
        """
        start = position = 0
        held = b""
        while position < len(data):
            if self._in is _In.HEAD:
                held = self._held
                taken = self._take_head(data[position:])
                if not taken:
                    return
                position += taken
            elif self._in in (_In.BODY, _In.CHUNK):
                taken = min(self._left, len(data) - position)
                position += taken
                self._left -= taken
                if self._left:
                    break
                self._in = _In.HEAD if self._in is _In.BODY else _In.CHUNK_LINE
            else:
                position = self._read_line(data, position)
            if self._in is _In.HEAD:
                yield held + data[start:position]
                start, held = position, b""
        if start < len(data):
            yield held + data[start:]

    def _take_head(self, data: bytes) -> int:
        """How much of `data` belongs to a head that ends in it; 0 when none does."""
        held_bytes = len(self._held)
        text = self._held + data
        blank_bytes = _blank_bytes(text)
        stop = text.find(_END, max(blank_bytes, held_bytes - len(_END) + 1))
        if stop < 0:
            _check_beginning(text[blank_bytes:])
            self._held = text
            return 0
        stop += len(_END)
        self._held = b""
        self._read_head(text[blank_bytes:stop])
        return stop - held_bytes

    def _read_line(self, data: bytes, position: int) -> int:
        """Read a line between chunks as far as it is there; where to go on."""
        held_bytes = len(self._held)
        text = self._held + data[position : position + CHUNK_LINE_BYTES_MAX + len(_CRLF)]
        stop = text.find(_CRLF, max(0, held_bytes - 1))
        if (len(text) if stop < 0 else stop) > CHUNK_LINE_BYTES_MAX:
            raise RefusedMessageError(400, "A line of a chunk is too long.")
        if stop < 0:
            self._held = text
            return len(data)
        stop += len(_CRLF)
        self._held = b""
        self._go_on_after(text[:stop])
        return position + stop - held_bytes

    def _go_on_after(self, text: bytes) -> None:
        """Decide what follows a whole line."""
        if self._in is _In.CHUNK_LINE:
            size = _SIZE.match(text[:-2])
            if size is None:
                raise RefusedMessageError(400, "The size of a chunk is not a number.")
            self._left = int(size[1], 16) + len(_CRLF)
            self._trailer_bytes = 0
            self._in = _In.CHUNK if self._left > len(_CRLF) else _In.TRAILERS
        else:
            self._trailer_bytes += len(text)
            if self._trailer_bytes > TRAILER_BYTES_MAX:
                raise RefusedMessageError(400, "The trailers are too long.")
            if text == _CRLF:
                self._in = _In.HEAD

    def _read_head(self, head: bytes) -> None:
        version = _check_line(head)
        codings = _CODINGS.findall(head)
        length = _LENGTH.search(head)
        if codings:
            _check_codings(codings, version)
            self._in = _In.CHUNK_LINE
        elif length is not None and len(length[1]) < 20 and int(length[1]):
            self._left = int(length[1])
            self._in = _In.BODY


def _blank_bytes(text: bytes) -> int:
    """Line ends before a request line; all of `text` when there is nothing else."""
    blank_bytes = len(text) - len(text.lstrip(_CRLF))
    if blank_bytes > BLANK_BYTES_MAX or not (_CRLF * BLANK_BYTES_MAX).startswith(
        text[:blank_bytes]
    ):
        raise RefusedMessageError(400, "There are blank lines where a request should be.")
    return blank_bytes


def _check_beginning(text: bytes) -> None:
    """Raise RefusedMessageError for what will be no request, however it goes on."""
    if len(text) > HEAD_BYTES_MAX:
        raise RefusedMessageError(431, "The head is too long.")
    if text and _BEGINNING.match(text) is None:
        raise RefusedMessageError(400, "The request line is outside the grammar.")
    if _CRLF in text:
        _check_line(text)


def _check_line(head: bytes) -> bytes:
    """The version; RefusedMessageError for a line that has not one meaning (RFC 9112 3)."""
    line = _LINE.match(head)
    if line is None:
        raise RefusedMessageError(400, "The request line is outside the grammar.")
    if line["version"] not in _VERSIONS:
        raise RefusedMessageError(505, "This speaks HTTP/1.1 and HTTP/1.0.")
    if line["method"] == b"CONNECT":
        # What follows its head is no message, whatever the answer (RFC 9110 9.3.6).
        raise RefusedMessageError(400, "There are no tunnels here.")
    return line["version"]


def _check_codings(codings: list[bytes], version: bytes) -> None:
    """Raise RefusedMessageError unless content is chunked and nothing else (RFC 9112 6.1)."""
    if version == _VERSIONS[0] or not all(_TEXT.fullmatch(each) for each in codings):
        raise RefusedMessageError(400, "The Transfer-Encoding has no one meaning.")
    if [each.strip(b" \t").lower() for each in codings] != [b"chunked"]:
        raise RefusedMessageError(501, "Only the chunked transfer coding is understood.")

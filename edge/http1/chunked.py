"""The chunked transfer coding, decoded piece by piece (RFC 9112 7.1).

Strict: sizes are hexadecimal digits only, lines end in CRLF, extensions and trailers are bounded,
held to the grammar and dropped. How the stream was cut into pieces changes nothing.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import Final

from edge.http1.fields import FieldError, parse_fields

LINE_BYTES_MAX: Final = 4096
TRAILER_BYTES_MAX: Final = 16 * 1024

_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*+;[\t \x21-\x7e\x80-\xff]*+)?\Z")
_CRLF: Final = b"\r\n"


class _Expecting(enum.Enum):
    SIZE = enum.auto()
    DATA = enum.auto()
    DATA_END = enum.auto()
    TRAILER = enum.auto()


class ChunkedDecoder:
    """Feed bytes, take content; `done` after the last chunk and its trailers."""

    __slots__ = ("_buffer", "_expecting", "_left", "_trailer_bytes", "done")

    def __init__(self) -> None:
        self._buffer = b""
        self._expecting = _Expecting.SIZE
        self._left = 0
        self._trailer_bytes = 0
        self.done = False

    @property
    def rest(self) -> bytes:
        """Bytes after the end of the message, once `done`."""
        return self._buffer if self.done else b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the content in `data`, never empty pieces; take them all before feeding again.

        Raises FieldError on anything outside the grammar.
        """
        data = self._buffer + data if self._buffer else data
        self._buffer = b""
        position = 0
        while not self.done:
            if self._expecting is _Expecting.DATA:
                if position == len(data):
                    return
                piece = data[position : position + self._left]
                position += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._expecting = _Expecting.DATA_END
                yield piece
            elif self._expecting is _Expecting.DATA_END:
                end = data[position : position + 2]
                if not _CRLF.startswith(end):
                    raise FieldError("chunk data does not end where its size says")
                if end != _CRLF:
                    break
                position += 2
                self._expecting = _Expecting.SIZE
            else:
                stop = data.find(_CRLF, position, position + LINE_BYTES_MAX + 2)
                if stop < 0:
                    if len(data) - position > LINE_BYTES_MAX + 1:
                        raise FieldError("a chunk line is too long")
                    break
                self._line(data[position:stop])
                position = stop + 2
        self._buffer = data[position:]

    def _line(self, line: bytes) -> None:
        if self._expecting is _Expecting.SIZE:
            match = _SIZE_LINE.match(line)
            if match is None:
                raise FieldError("a chunk size is not hexadecimal")
            self._left = int(match[1], 16)
            self._expecting = _Expecting.DATA if self._left else _Expecting.TRAILER
            return
        self._trailer_bytes += len(line) + 2
        if self._trailer_bytes > TRAILER_BYTES_MAX:
            raise FieldError("trailers are too long")
        parse_fields(line)
        self.done = not line

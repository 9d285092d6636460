"""The chunked transfer coding, decoded piece by piece (RFC 9112 7.1).

Strict: sizes are hexadecimal digits only, lines end in CRLF, extensions and trailers are bounded
and dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from edge.http1.fields import FieldError

LINE_BYTES_MAX: Final = 4096
TRAILER_BYTES_MAX: Final = 16 * 1024

_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t \x21-\x7e\x80-\xff]*)?\Z")


class ChunkedDecoder:
    """Feed bytes, take content; `done` after the last chunk and its trailers."""

    __slots__ = ("_at_data_end", "_buffer", "_in_trailers", "_left", "_trailer_bytes", "done")

    def __init__(self) -> None:
        self._buffer = b""
        self._left = 0
        self._at_data_end = False
        self._in_trailers = False
        self._trailer_bytes = 0
        self.done = False

    @property
    def rest(self) -> bytes:
        """Bytes after the end of the message, once `done`."""
        return self._buffer if self.done else b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the content in `data`. Raises FieldError on anything outside the grammar."""
        self._buffer += data
        while not self.done:
            if self._left:
                piece = self._buffer[: self._left]
                if not piece:
                    return
                self._buffer = self._buffer[len(piece) :]
                self._left -= len(piece)
                self._at_data_end = self._left == 0
                yield piece
                continue
            line, separator, rest = self._buffer.partition(b"\r\n")
            if not separator:
                if len(line) > LINE_BYTES_MAX:
                    raise FieldError("a chunk line is too long")
                return
            self._buffer = rest
            self._line(line)

    def _line(self, line: bytes) -> None:
        if self._at_data_end:
            if line:
                raise FieldError("chunk data does not end where its size says")
            self._at_data_end = False
        elif self._in_trailers:
            self._trailer_bytes += len(line) + 2
            if self._trailer_bytes > TRAILER_BYTES_MAX:
                raise FieldError("trailers are too long")
            self.done = not line
        else:
            match = _SIZE_LINE.match(line)
            if match is None:
                raise FieldError("a chunk size is not hexadecimal")
            self._left = int(match[1], 16)
            self._in_trailers = self._left == 0

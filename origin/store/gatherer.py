"""Bytes of any length made into pieces that end where mebibytes of an extent, and extents, end.

What comes as such a piece already is passed on as it is; anything else is copied once, into memory
that lies as its bytes will lie in their file, so that they may go there past the page cache.
"""

from __future__ import annotations

from collections.abc import Iterator

from origin.store.crc32c import Piece
from origin.store.piece_memory import PIECES, may_be_kept
from origin.store.sums import PIECE_BYTES


class Gatherer:
    """Of bytes that come in order, from `offset` of an object on. `offset` is after all of them."""

    def __init__(self, offset: int, extent_bytes: int) -> None:
        self.offset = offset
        self._extent_bytes = extent_bytes
        self._memory: memoryview | None = None
        self._begin = 0
        self._end = 0

    def add(self, data: bytes | bytearray | memoryview) -> Iterator[Piece]:
        """Take all of `data`; the pieces that are whole, each before what follows it is taken."""
        if self._memory is None and len(data) == self._wanted_bytes() and may_be_kept(data):
            self.offset += len(data)
            yield data  # type: ignore[misc]
            return
        rest = memoryview(data).cast("B")
        while rest:
            is_whole = len(rest) >= (wanted := self._wanted_bytes())
            self._copy(rest[:wanted])
            rest = rest[wanted:]
            if is_whole:
                yield self.rest()

    def rest(self) -> Piece:
        """What there is of a piece, which ends here."""
        if self._memory is None:
            return b""
        piece = self._memory[self._begin : self._end]
        self._memory = None
        return piece

    def _wanted_bytes(self) -> int:
        within = self.offset % self._extent_bytes
        return min(PIECE_BYTES - within % PIECE_BYTES, self._extent_bytes - within)

    def _copy(self, data: memoryview) -> None:
        if self._memory is None:
            self._memory = PIECES.take()
            self._begin = self._end = self.offset % self._extent_bytes % PIECE_BYTES
        self._memory[self._end : self._end + len(data)] = data
        self._end += len(data)
        self.offset += len(data)

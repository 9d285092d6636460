"""Memory for pieces on their way in: mebibytes on page boundaries, used again and again.

Fresh memory costs a page fault for each of its pages, more than the copy into it; and whole pages
may go to a disk past the page cache (`origin.store.outlet`). Whoever holds a view of a piece holds
its memory, so nobody has to say that he is done with it.
"""

from __future__ import annotations

import mmap
from typing import Final

from origin.store.sums import PIECE_BYTES

KEPT_MAX: Final = 32
"""Pieces whose memory is kept; more than are on their way in eight uploads."""


class PieceMemory(mmap.mmap):
    """A mebibyte; whoever holds a view of it holds it."""


class PiecePool:
    """Pieces of memory for one thread that fills them; views may be let go in any."""

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        self._kept: list[PieceMemory] = []
        self._kept_max = kept_max

    def take(self) -> memoryview:
        """A mebibyte nobody else has a view of, and free again when nobody has."""
        for memory in self._kept:
            if _is_free(memory):
                return memoryview(memory)
        made = PieceMemory(-1, PIECE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if len(self._kept) < self._kept_max:
            self._kept.append(made)
        return memoryview(made)


PIECES: Final = PiecePool()
"""Of the event loop's thread."""


def may_be_kept(data: bytes | bytearray | memoryview) -> bool:
    """Whether data may be looked at later without a copy of it."""
    return isinstance(data, bytes) or (
        isinstance(data, memoryview) and isinstance(data.obj, PieceMemory)
    )


def _is_free(memory: PieceMemory) -> bool:
    try:
        memory.resize(PIECE_BYTES)  # refused as long as there are views, and else nothing
    except BufferError:
        return False
    return True

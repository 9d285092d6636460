"""Memory for pieces on their way in: halves of large pages, used again and again.

Fresh memory costs a page fault for each of its pages, more than the copy into it; and whole pages
may go to a disk past the page cache (`origin.store.outlet`). Whoever holds a view of a piece holds
its memory, so nobody has to say that he is done with it.
"""

from __future__ import annotations

import mmap
from contextlib import suppress
from typing import Final

from origin.store.sums import PIECE_BYTES

SLAB_BYTES: Final = 2 * PIECE_BYTES
"""What the kernel gives as one page where it has large ones. Of small pages a mebibyte is 256, each
of which is looked up and held for a write, and which may not fit into one request to the disk."""

KEPT_MAX: Final = 32
"""Slabs that are kept; as many pieces as all uploads of a store may have on their way."""


class PieceMemory(mmap.mmap):
    """Two pieces; whoever holds a view of either holds both."""


class PiecePool:
    """Pieces of memory for one thread that fills them; views may be let go in any."""

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        self._kept: list[PieceMemory] = []
        self._kept_max = kept_max
        self._begun: PieceMemory | None = None

    def take(self) -> memoryview:
        """A mebibyte nobody else has a view of, and free again when nobody has."""
        begun, self._begun = self._begun, None
        if begun is not None:
            return memoryview(begun)[PIECE_BYTES:]
        self._begun = next(filter(is_free, self._kept), None) or self._make()
        return memoryview(self._begun)[:PIECE_BYTES]

    def _make(self) -> PieceMemory:
        made = PieceMemory(-1, SLAB_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        with suppress(AttributeError, OSError):
            made.madvise(mmap.MADV_HUGEPAGE)
        if len(self._kept) < self._kept_max:
            self._kept.append(made)
        return made


PIECES: Final = PiecePool()
"""Of the event loop's thread."""


def may_be_kept(data: bytes | bytearray | memoryview) -> bool:
    """Whether data may be looked at later without a copy of it."""
    return isinstance(data, bytes) or (
        isinstance(data, memoryview) and isinstance(data.obj, PieceMemory)
    )


def is_free(memory: PieceMemory) -> bool:
    """Whether nobody has a view of it."""
    try:
        memory.resize(SLAB_BYTES)  # refused as long as there are views, and else nothing
    except BufferError:
        return False
    return True

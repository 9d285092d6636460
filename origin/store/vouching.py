"""Which pieces of an open extent file are known to be right, and for how long.

A piece is compared with its checksum when it is first wanted from a file just opened, when the
file was changed since, and whenever its bytes have to come from the disk: what stays in memory does
not decay. So a flipped bit is not served, and bytes that are asked for again cost no second look.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from origin.store.extents import read_piece
from origin.store.large_pages import bring_in
from origin.store.resident import PageCache
from origin.store.sums import PIECE_BYTES

_pages: Final = PageCache()


@dataclass(frozen=True, slots=True)
class Look:
    """What was found of a piece: its bytes, None when they are wrong, and the file's age then."""

    piece: int
    data: bytes | None
    changed_ns: int


class Vouched:
    """An open extent of `size_bytes` bytes and what is known of it.

    `look` may be called in any thread and raises OSError; everything else is for the event loop.
    """

    __slots__ = ("_changed_ns", "_fd", "_right", "_size_bytes", "_sums")

    def __init__(self, fd: int, sums: Sequence[int], size_bytes: int) -> None:
        self._fd = fd
        self._sums = sums
        self._size_bytes = size_bytes
        self._right = 0
        self._changed_ns = -1

    def covers(self, start: int, stop: int) -> bool:
        """Whether `[start, stop)`, not empty, is right and in memory."""
        first = start // PIECE_BYTES
        wanted = (1 << ((stop - 1) // PIECE_BYTES - first + 1)) - 1
        return (
            self._right >> first & wanted == wanted
            and os.fstat(self._fd).st_mtime_ns == self._changed_ns
            and _pages.holds(self._fd, start, stop)
        )

    def look(self, piece: int) -> Look:
        """Read a piece and compare it."""
        changed_ns = os.fstat(self._fd).st_mtime_ns
        start = piece * PIECE_BYTES
        bring_in(self._fd, start, start + PIECE_BYTES, self._size_bytes)
        data = read_piece(self._fd, self._sums, self._size_bytes, piece)
        return Look(piece, data, changed_ns)

    def note(self, look: Look) -> None:
        """Know what was found. A file that was changed is known by nothing but this look."""
        if look.changed_ns != self._changed_ns:
            self._changed_ns, self._right = look.changed_ns, 0
        bit = 1 << look.piece
        self._right = self._right & ~bit if look.data is None else self._right | bit

"""How bytes get into the file of an extent: whole blocks past the page cache, the rest through it.

A page of the cache costs more than the copy into it: a mebibyte takes 0.6 ms of CPU time and more
through it, 0.1 past it (docs/decisions/0028-films-past-the-page-cache.md). What goes through the
cache is begun to be written early, so that the sync finds little to do.
"""

from __future__ import annotations

import errno
import os
import threading
from typing import Final

from origin.store.crc32c import Piece
from origin.store.sums import PIECE_BYTES
from origin.store.writeback import begin_writeback

BLOCK_BYTES: Final = 4096
"""Memory, offset and length have to be multiples of what the disk calls a block, or of less."""

WRITEBACK_BYTES: Final = 4 * PIECE_BYTES
"""How much lies in the page cache before the kernel is to begin with it."""


class Outlet:
    """Writes to an open file, from any number of threads. The file stays its owner's.

    What goes past the cache takes a descriptor of its own: the flag that says so belongs to all
    who write through one.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._direct_fd = -1
        self._may_be_direct = True
        self._opening = threading.Lock()
        self._begun_bytes: int | None = None

    def put(self, piece: Piece, offset: int) -> None:
        """Write all of it. Raises OSError."""
        rest = memoryview(piece)
        while rest:
            blocks_bytes = len(rest) - len(rest) % BLOCK_BYTES
            done = 0
            if blocks_bytes and offset % BLOCK_BYTES == 0 and isinstance(piece, memoryview):
                done = self._put_direct(rest[:blocks_bytes], offset)
            done = done or self._put_cached(rest, offset)
            rest, offset = rest[done:], offset + done

    def close(self) -> None:
        """Let go of what is this outlet's own. Nothing can be put past the cache afterwards."""
        with self._opening:
            self._may_be_direct = False
            fd, self._direct_fd = self._direct_fd, -1
        if fd >= 0:
            os.close(fd)

    def _put_direct(self, blocks: memoryview, offset: int) -> int:
        """How many bytes were written; 0 when that is not the way for them."""
        fd = self._open_direct()
        if fd < 0:
            return 0
        try:
            return os.pwrite(fd, blocks, offset)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return 0  # memory of others, or blocks larger than ours

    def _put_cached(self, rest: memoryview, offset: int) -> int:
        done = os.pwrite(self._fd, rest, offset)
        begun, stop = self._begun_bytes, offset + done
        if begun is None or begun > offset:
            begun = self._begun_bytes = offset
        if stop - begun >= WRITEBACK_BYTES:
            begin_writeback(self._fd, begun, stop)
            self._begun_bytes = stop
        return done

    def _open_direct(self) -> int:
        """A descriptor past the cache; -1 when there are none: some file systems have no such."""
        with self._opening:
            if self._direct_fd < 0 and self._may_be_direct:
                flags = os.O_WRONLY | os.O_DIRECT | os.O_CLOEXEC
                try:
                    self._direct_fd = os.open(f"/proc/self/fd/{self._fd}", flags)
                except OSError:
                    self._may_be_direct = False
            return self._direct_fd

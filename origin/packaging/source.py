"""The source as the packaging process reads it: windows of bytes, kept for a while.

Two tracks of one file are read at two places that move forwards, so a few windows serve both.
"""

from __future__ import annotations

import io
import os
from collections import OrderedDict
from typing import Final

from origin.packaging.boxes import ReadAt, UnplayableError

WINDOW_BYTES: Final = 1024 * 1024
WINDOWS_MAX: Final = 16


class Windows:
    """`read_at` with a cache of aligned windows before it."""

    def __init__(self, read_at: ReadAt, size_bytes: int) -> None:
        self._read_at = read_at
        self._size_bytes = size_bytes
        self._windows: OrderedDict[int, bytes] = OrderedDict()

    def read(self, start: int, stop: int) -> bytes:
        """Bytes `[start, stop)`. Raises UnplayableError outside of the file."""
        if not 0 <= start <= stop <= self._size_bytes:
            raise UnplayableError("the file is cut: something lies behind its end")
        parts = []
        while start < stop:
            number, skip = divmod(start, WINDOW_BYTES)
            part = self._window(number)[skip : skip + stop - start]
            parts.append(part)
            start += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _window(self, number: int) -> bytes:
        window = self._windows.get(number)
        if window is None:
            start = number * WINDOW_BYTES
            window = self._read_at(start, min(start + WINDOW_BYTES, self._size_bytes))
            self._windows[number] = window
            if len(self._windows) > WINDOWS_MAX:
                self._windows.popitem(last=False)
        else:
            self._windows.move_to_end(number)
        return window


class SourceFile(io.RawIOBase):
    """The source as a file object, for a media library."""

    def __init__(self, read_at: ReadAt, size_bytes: int) -> None:
        super().__init__()
        self._read_at = read_at
        self._size_bytes = size_bytes
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; never before the beginning."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size_bytes}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; none at the end."""
        stop = self._size_bytes if size < 0 else min(self._at + size, self._size_bytes)
        data = self._read_at(min(self._at, stop), stop)
        self._at += len(data)
        return data

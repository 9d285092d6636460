"""Whether bytes of a file are in memory, so that nobody has to wait for a disk to have them."""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Final

_CACHESTAT: Final = 451
"""The number of cachestat(2), the same on every architecture that Python runs films on."""

_probe: Final = bytearray(1)


class _Range(ctypes.Structure):
    _fields_ = (("offset", ctypes.c_uint64), ("length", ctypes.c_uint64))


class _Stat(ctypes.Structure):
    _fields_ = (
        ("cached", ctypes.c_uint64),
        ("dirty", ctypes.c_uint64),
        ("writeback", ctypes.c_uint64),
        ("evicted", ctypes.c_uint64),
        ("recently_evicted", ctypes.c_uint64),
    )


class PageCache:
    """Asks the kernel: about every page where it can tell (Linux 6.5), else about first and last.

    For the thread of the event loop alone, as the question is kept in one place.
    """

    def __init__(self) -> None:
        self._range = _Range()
        self._stat = _Stat()
        self._range_at = ctypes.byref(self._range)
        self._stat_at = ctypes.byref(self._stat)
        self._call = ctypes.CDLL(None, use_errno=True).syscall
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")
        self.counts_pages = True

    def holds(self, fd: int, start: int, stop: int) -> bool:
        """Whether reading `[start, stop)` would not wait."""
        if self.counts_pages:
            self._range.offset, self._range.length = start, stop - start
            if self._call(_CACHESTAT, fd, self._range_at, self._stat_at, 0) == 0:
                page_bytes = self._page_bytes
                pages = (stop - 1) // page_bytes - start // page_bytes + 1
                return bool(self._stat.cached >= pages)
            # ENOSYS of an old kernel, EPERM of a sandbox, EOPNOTSUPP of a file system.
            self.counts_pages = ctypes.get_errno() in (errno.EBADF, errno.EINTR)
        return _is_at_hand(fd, start) and _is_at_hand(fd, stop - 1)


def _is_at_hand(fd: int, offset: int) -> bool:
    try:
        return os.preadv(fd, [_probe], offset, os.RWF_NOWAIT) > 0
    except BlockingIOError:
        return False
    except OSError:
        return True  # the file system cannot tell

"""Has the kernel begin to write what lies in its page cache: a later fsync then has less to do."""

from __future__ import annotations

import ctypes
from typing import Final

_SYNC_FILE_RANGE_WRITE: Final = 2

_call: Final = getattr(ctypes.CDLL(None), "sync_file_range", None)
if _call is not None:
    _call.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)


def begin_writeback(fd: int, start: int, stop: int) -> None:
    """Begin with `[start, stop)` and do not wait for it.

    It is a hint: nothing is durable by it, and a system without it (sync_file_range(2), Linux
    alone) or an error on the way, which the fsync would meet again, changes nothing.
    """
    if _call is not None:
        _call(fd, start, stop - start, _SYNC_FILE_RANGE_WRITE)

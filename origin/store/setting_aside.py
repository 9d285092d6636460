"""Has a file system set blocks aside for a file whose length is known.

Writes to several places of a file go on at the same time only where they do not make it longer
(ext4 takes the file's lock alone for that), and blocks that are set aside at once lie together.
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Final

_NOT_OFFERED: Final = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})

_call: Final = getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None)
if _call is not None:
    _call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)


def set_aside(fd: int, size_bytes: int) -> bool:
    """Make a new file so long, with blocks that read as zeros; False where that is not offered.

    `os.posix_fallocate` would write the zeros then. Raises OSError, as ENOSPC.
    """
    if _call is None:
        return False
    while _call(fd, 0, 0, size_bytes):
        number = ctypes.get_errno()
        if number in _NOT_OFFERED:
            return False
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number))
    return True

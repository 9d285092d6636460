"""Whether a file's bytes are in the system's page cache, so that sending them waits for no disk.

A `sendfile` of bytes that are not there stops the thread that serves everybody. Asking costs a few
system calls, so it is done when a file is opened and not for each answer.
"""

from __future__ import annotations

import os
from typing import Final

_STEP_BYTES: Final = 256 * 1024
"""Pages come and go in pieces at most so large."""
_PROBES_MAX: Final = 16


def is_resident(fd: int, size_bytes: int) -> bool:
    """Whether bytes [0, size_bytes) can be read at once, as far as a few of them tell.

    True where the system cannot say (preadv2 with RWF_NOWAIT: Linux 4.14, most file systems).
    """
    step = max(_STEP_BYTES, size_bytes // _PROBES_MAX)
    probe = [bytearray(1)]
    try:
        for offset in (*range(0, size_bytes, step), max(size_bytes - 1, 0)):
            os.preadv(fd, probe, offset, os.RWF_NOWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True

"""A thread that leaves the processor to the one that serves when both want it.

Only the shares change: with nobody else there it has all of it, and beside one thread that never
rests a tenth (docs/decisions/0054-disk-threads-yield.md).
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

NICENESS: Final = 10
"""Above that of the process, whatever an operator gave it."""


def giving_way(name: str) -> ThreadPoolExecutor:
    """One thread, which gives way to all others of the process."""
    return ThreadPoolExecutor(1, thread_name_prefix=name, initializer=_give_way)


def _give_way() -> None:
    # Only Linux has a niceness for each thread; elsewhere this would be the whole process's.
    if sys.platform != "linux":
        return
    thread = threading.get_native_id()
    try:
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)
    except OSError:
        # A sandbox may forbid it. What these threads do matters more than how.
        pass

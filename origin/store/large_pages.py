"""Brings bytes of a file into memory in large pages, which are cheaper to send.

What is read piece by piece lands in the page cache as single pages of 4 KiB, and each of them costs
when it is counted and when it is sent: 244 us of CPU time to send a mebibyte that was read so, 149
for one that came in large pages (docs/decisions/0029-large-pages.md). Reading through a mapping
that asks for them is how the kernel gives them for files. What it does not give is read as before.
"""

from __future__ import annotations

import mmap
from contextlib import suppress
from typing import Final

LARGE_BYTES: Final = 2 * 1024 * 1024
"""What the kernel calls huge on the machines that films run on."""

_POPULATE_READ: Final = 22
"""MADV_POPULATE_READ of madvise(2), Linux 5.14; Python has no name for it."""

_HINTS: Final = (getattr(mmap, "MADV_HUGEPAGE", None), getattr(mmap, "MADV_RANDOM", None))


def bring_in(fd: int, start: int, stop: int, size_bytes: int) -> None:
    """Have `[start, stop)` of a file of so many bytes read, and what shares its large pages.

    Waits for the disk. A hint: whoever reads afterwards meets the errors.
    """
    begin = start - start % LARGE_BYTES
    length = min(size_bytes, -(-stop // LARGE_BYTES) * LARGE_BYTES) - begin
    if length < LARGE_BYTES or None in _HINTS:
        return
    with (
        suppress(OSError, ValueError),
        mmap.mmap(fd, length, mmap.MAP_SHARED, mmap.PROT_READ, offset=begin) as mapping,
    ):
        for hint in _HINTS:
            mapping.madvise(hint or 0)
        mapping.madvise(_POPULATE_READ)

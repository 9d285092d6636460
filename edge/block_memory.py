"""Memory for blocks on their way in: used again while it is needed, the system's when it is not.

Blocks come in bursts, and each has pages of its own. As part of the heap, what a burst took would
lie between small things that live on, and stay with the process for good; and fresh pages cost a
fault each, so what is needed again soon is kept (docs/decisions/0053-memory-of-blocks.md).
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from typing import Final

KEPT_BYTES_MAX: Final = 32 * 1024 * 1024
"""Unused, of blocks of one size."""
_KEPT_MIN: Final = 4
_EASED_SHARE: Final = 4
"""One of so many that were not needed goes back each time: a quiet moment costs no page faults."""
_FLAGS: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


@dataclass(slots=True)
class _Kept:
    unused: list[mmap.mmap] = field(default_factory=list)
    least: int = 0
    """So many were unused at every moment since they were looked at."""


class BlockMemory:
    """That of one worker, by size of blocks."""

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}

    @property
    def kept_bytes(self) -> int:
        """What is kept unused."""
        return sum(size * len(kept.unused) for size, kept in self._kept.items())

    def take(self, size_bytes: int) -> memoryview:
        """Memory that nobody else has; whatever was in it before may still be."""
        kept = self._kept.get(size_bytes)
        if kept is None or not kept.unused:
            return memoryview(mmap.mmap(-1, size_bytes, flags=_FLAGS))
        memory = memoryview(kept.unused.pop())
        kept.least = min(kept.least, len(kept.unused))
        return memory

    def give(self, memory: memoryview) -> None:
        """Nobody looks at this any more, which is what `take` gave, or a part of it."""
        whole = memory.obj
        assert isinstance(whole, mmap.mmap)
        size_bytes = len(whole)
        kept = self._kept.setdefault(size_bytes, _Kept())
        if len(kept.unused) < max(_KEPT_MIN, KEPT_BYTES_MAX // size_bytes):
            kept.unused.append(whole)

    def ease(self) -> None:
        """Once a second: some of what was not needed since the last time goes to the system."""
        for kept in self._kept.values():
            del kept.unused[: -(-kept.least // _EASED_SHARE)]
            kept.least = len(kept.unused)

"""Where the workers of one edge leave their totals for each other: memory they share by fork.

Each has a page of its own that it alone writes, about once a second. A reader that meets a page
half written sees it by the checksum, looks again, and else keeps what it read last.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Callable
from typing import Final

from edge.totals import Totals, add_up

_PAGE_BYTES: Final = 256 * 1024
_HEADER: Final = struct.Struct("<II")
_LOOKS_MAX: Final = 3


class Scoreboard:
    """Make it before the workers are forked; `workers` is their number."""

    def __init__(self, workers: int, began_at: float = 0.0) -> None:
        """`began_at` (seconds since 1970) tells these counts from those before a restart."""
        self.began_at = began_at
        self._workers = workers
        self._memory = mmap.mmap(-1, workers * _PAGE_BYTES)
        self._read: dict[int, Totals] = {}

    def publish(self, number: int, totals: Totals) -> bool:
        """Leave a worker's totals; False when they are too many to be left."""
        text = totals.to_bytes()
        if len(text) > _PAGE_BYTES - _HEADER.size:
            return False
        start = number * _PAGE_BYTES
        page = _HEADER.pack(len(text), zlib.crc32(text)) + text
        self._memory[start : start + len(page)] = page
        return True

    def has_published(self, number: int) -> bool:
        """Whether a worker of this number ever served."""
        return self._memory[number * _PAGE_BYTES : number * _PAGE_BYTES + 4] != bytes(4)

    def of(self, number: int) -> Totals:
        """What a worker left last, or nothing."""
        start = number * _PAGE_BYTES
        for _ in range(_LOOKS_MAX):
            length, checksum = _HEADER.unpack_from(self._memory, start)
            begin = start + _HEADER.size
            text = self._memory[begin : begin + min(length, _PAGE_BYTES - _HEADER.size)]
            if text and zlib.crc32(text) == checksum:
                self._read[number] = Totals.from_bytes(text)
                break
        return self._read.get(number, Totals())

    def of_others(self, number: int) -> list[Totals]:
        """What all workers but one left last."""
        return [self.of(other) for other in range(self._workers) if other != number]


class Tally:
    """One worker's totals on the board, going on from those of a worker that had its number."""

    def __init__(self, own: Callable[[], Totals], board: Scoreboard, number: int) -> None:
        self._own = own
        self._board = board
        self._number = number
        self._before = board.of(number).without_levels()

    @property
    def began_at(self) -> float:
        """When the edge began to count."""
        return self._board.began_at

    def publish(self) -> None:
        """Leave this worker's totals for the others."""
        self._board.publish(self._number, self._sum())

    def of_all(self) -> Totals:
        """This worker's totals of now and what the others left last."""
        return add_up([self._sum(), *self._board.of_others(self._number)])

    def _sum(self) -> Totals:
        return add_up([self._before, self._own()])

"""What the fast lane does with sockets and bytes, a call at a time.

The same in C, for the lane compiled (`edge.compiled`), is `primitives.pyx` with `primitives.pxd`:
system calls without the objects and locks of Python's wrappers, and texts put together in place.
Both are held to the same tests.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.connection import Connection

_ZERO: Final = ord("0")
_DIGITS_MAX: Final = 18
"""Of a position: what has more lies behind the end of anything."""


class Primitives:
    """Functions, in a class because compiled callers know them by its type."""

    read = staticmethod(os.read)
    """What a descriptor has, up to so many bytes (4096 compiled). Raises OSError."""

    @staticmethod
    def send(connection: Connection, data: bytes, flags: int) -> int:
        """Give bytes to a connection; how many it took. Raises OSError."""
        return connection.send(data, flags)

    @staticmethod
    def send_file(connection: Connection, file_fd: int, offset: int, size: int) -> int:
        """Give bytes of a file to a connection; how many it took, 0 at the end of the file.

        Raises OSError.
        """
        return connection.send_file(file_fd, offset, size)

    @staticmethod
    def target_end(data: bytes) -> int:
        """Where the target of a GET ends; -1 when there is no space behind it."""
        return data.find(b" ", 4)

    @staticmethod
    def interval(digits: bytes, size_bytes: int) -> tuple[int, int, bool]:
        """`a-b` or `a-` of a range of so many bytes (RFC 9110 14.1.2): its start and stop, and
        whether `digits` are how the answer writes it.

        Anything else than these two forms with up to 18 digits a number is (0, 0, False). The start
        may lie behind the stop.
        """
        first, hyphen, last = digits.partition(b"-")
        if not first.isdigit() or len(first) > _DIGITS_MAX or not hyphen:
            return 0, 0, False
        if not last:
            return int(first), size_bytes, False
        if not last.isdigit() or len(last) > _DIGITS_MAX:
            return 0, 0, False
        stop = int(last) + 1
        if stop >= size_bytes or digits[0] == _ZERO or last[0] == _ZERO:
            # Only here may the interval be written otherwise than it was asked for.
            return int(first), min(stop, size_bytes), False
        return int(first), stop, True

    @staticmethod
    def hexadecimal(number: int) -> bytes:
        """The text of a number from 0 up."""
        return b"%x" % number

    @staticmethod
    def joined(a: bytes, b: bytes, c: bytes, d: bytes, e: bytes, f: bytes) -> bytes:
        """Six texts in one."""
        return b"".join((a, b, c, d, e, f))


class Lines:
    """Lines of a log, made of eight texts each, some of them empty."""

    __slots__ = ("_pieces",)

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._pieces) // 8

    def add(
        self, a: bytes, b: bytes, c: bytes, d: bytes, e: bytes, f: bytes, g: bytes, h: bytes
    ) -> None:
        """One more."""
        self._pieces += (a, b, c, d, e, f, g, h)

    def take(self) -> bytes:
        """All of them, which are let go of."""
        lines = b"".join(self._pieces)
        self._pieces.clear()
        return lines

"""Checksums of an extent by the piece: CRC32C of each mebibyte, and of all of them together. Pure.

A reader of one piece can be sure of it without reading the rest; whoever wants the checksum of the
whole gets it from those of the pieces, so that every byte is looked at once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from origin.store.crc32c import Piece, extend_crc32c

PIECE_BYTES: Final = 1024 * 1024

_POLYNOMIAL: Final = 0x82F63B78
"""Castagnoli's, bits reversed (RFC 3720 12.1)."""

_ONE: Final = 1 << 31


def combine_crc32c(first: int, second: int, second_bytes: int) -> int:
    """The CRC32C of two texts one after the other, from that of each.

    A CRC is a remainder, so the first one is multiplied by x to the number of bits that follow it
    (Mark Adler's `crc32_combine` in zlib does the same for another polynomial).
    """
    return _multiply(_power_of_x(second_bytes), first) ^ second


class PieceSums:
    """Checksums of bytes from the first on. `whole` and `pieces` are of all that came so far."""

    def __init__(self) -> None:
        self._closed: list[int] = []
        self._closed_whole = 0
        self._open = 0
        self._open_bytes = 0
        self._early: dict[int, tuple[int, int]] = {}

    @property
    def whole(self) -> int:
        """The checksum of everything."""
        return combine_crc32c(self._closed_whole, self._open, self._open_bytes)

    @property
    def pieces(self) -> tuple[int, ...]:
        """The checksum of each piece; the last one may be of a shorter piece."""
        return (*self._closed, self._open) if self._open_bytes else tuple(self._closed)

    def add(self, data: Piece) -> None:
        """Go on with `data`, of any length."""
        rest = data
        while rest:
            part = rest[: PIECE_BYTES - self._open_bytes]
            rest = rest[len(part) :]
            self._go_on(extend_crc32c(self._open, part), len(part))

    def place(self, start: int, crc32c: int, size_bytes: int) -> None:
        """Take the checksum of the part at `start`, which may come before those in front of it.

        Parts do not pass the end of a piece.
        """
        self._early[start] = (crc32c, size_bytes)
        while found := self._early.pop(len(self._closed) * PIECE_BYTES + self._open_bytes, None):
            self._go_on(combine_crc32c(self._open, *found), found[1])

    def _go_on(self, crc32c: int, size_bytes: int) -> None:
        """So many bytes more; the checksum is that of the piece they belong to, as far as it is."""
        self._open = crc32c
        self._open_bytes += size_bytes
        if self._open_bytes == PIECE_BYTES:
            self._closed_whole = self.whole
            self._closed.append(self._open)
            self._open = self._open_bytes = 0


def piece_count(size_bytes: int) -> int:
    """How many pieces an extent of this length has; an empty one has none."""
    return -(-size_bytes // PIECE_BYTES)


@lru_cache(maxsize=16)
def _power_of_x(size_bytes: int) -> int:
    """x to the power of the bits in so many bytes, modulo the polynomial."""
    result, square, exponent = _ONE, _ONE >> 1, size_bytes * 8
    while exponent:
        if exponent & 1:
            result = _multiply(square, result)
        square = _multiply(square, square)
        exponent >>= 1
    return result


def _multiply(a: int, b: int) -> int:
    """The product of two polynomials modulo ours; the highest bit is the power 0."""
    product = 0
    while a:
        if a & _ONE:
            product ^= b
        a = (a << 1) & 0xFFFFFFFF
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1
    return product

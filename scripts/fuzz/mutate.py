"""Bytes made from examples: cut, doubled, spliced, mixed with words that mean something. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

BYTES_MAX: Final = 16 * 1024
_CHANGES_MAX: Final = 6
_REPEATS: Final = (2, 3, 17, 300)
_WORDS: Final = (
    *(b"\0", b"\r", b"\n", b"\r\n", b"\t", b" ", b"\x0b", b"\x7f", b"\x85", b"\xa0", b"\xff"),
    *(b",", b";", b":", b"=", b'"', b"\\", b"/", b"..", b"%2f", b"%00", b"?", b"#", b"@", b"-"),
    *(b"0", b"-1", b"+1", b"1_0", b"00", b"9" * 19, b"9" * 5000, b"1e999", b"0x10", b"NaN"),
    *("٣".encode(), "\u2028".encode(), "é".encode(), b"\xed\xa0\x80", b"\xc0\xaf"),
    *(b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\0\0\0\0\1"),
)
"""What parsers of texts and of numbers have taken for something else before."""

Change = Callable[[Random, bytes, "Mutator"], bytes]


class Mutator:
    """Makes inputs without end; the same from the same `chance`."""

    def __init__(self, chance: Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> None:
        self._chance = chance
        self.seeds = list(seeds) or [b""]
        # A target's own words are as likely as all the general ones.
        weight = max(1, len(_WORDS) // max(1, len(words)))
        self.words = [*_WORDS, *(word for word in words for _ in range(weight))]

    def make(self) -> bytes:
        """The next input."""
        chance = self._chance
        data = chance.choice(self.seeds)
        for _ in range(chance.randint(1, _CHANGES_MAX)):
            data = chance.choice(_CHANGES)(chance, data, self)
        return data[:BYTES_MAX]


def _span(chance: Random, data: bytes) -> tuple[int, int]:
    start = chance.randint(0, len(data))
    return start, min(len(data), start + chance.choice((1, 1, 2, 4, 8, 32, 256)))


def _flip(chance: Random, data: bytes, mutator: Mutator) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes((data[at] ^ 1 << chance.randrange(8),)) + data[at + 1 :]


def _overwrite(chance: Random, data: bytes, mutator: Mutator) -> bytes:
    start, stop = _span(chance, data)
    return data[:start] + chance.randbytes(stop - start) + data[stop:]


def _remove(chance: Random, data: bytes, mutator: Mutator) -> bytes:
    start, stop = _span(chance, data)
    return data[:start] + data[stop:]


def _repeat(chance: Random, data: bytes, mutator: Mutator) -> bytes:
    start, stop = _span(chance, data)
    return data[:stop] + data[start:stop] * chance.choice(_REPEATS) + data[stop:]


def _insert(chance: Random, data: bytes, mutator: Mutator) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(mutator.words) + data[at:]


def _replace(chance: Random, data: bytes, mutator: Mutator) -> bytes:
    start, stop = _span(chance, data)
    return data[:start] + chance.choice(mutator.words) + data[stop:]


def _splice(chance: Random, data: bytes, mutator: Mutator) -> bytes:
    other = chance.choice(mutator.seeds)
    return data[: chance.randint(0, len(data))] + other[chance.randint(0, len(other)) :]


def _nudge(chance: Random, data: bytes, mutator: Mutator) -> bytes:
    """A number of several bytes becomes its neighbour, or the largest there is."""
    width = chance.choice((1, 2, 4, 8))
    if len(data) < width:
        return data
    at = chance.randint(0, len(data) - width)
    number = int.from_bytes(data[at : at + width])
    changed = chance.choice((number + 1, number - 1, number << 1, ~number, 0, -1))
    return data[:at] + (changed % (1 << 8 * width)).to_bytes(width) + data[at + width :]


_CHANGES: Final[Sequence[Change]] = (
    *(_flip, _overwrite, _remove, _repeat, _insert, _insert, _replace, _replace, _splice, _nudge),
)

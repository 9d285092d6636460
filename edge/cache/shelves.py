"""Which worker of a box owns an object: each has a run of the 256 shelves of every disk. Pure.

A shelf is the first byte of an object's name. Runs are equal to within one shelf, a worker finds
what it owns without reading the rest, and another number of workers moves no file.
"""

from __future__ import annotations

from typing import Final

SHELVES: Final = 256
ALL_SHELVES: Final = range(SHELVES)


def shelf_of(object_id: str) -> int:
    """The shelf on which an object stands."""
    return int(object_id[:2], 16)


def owner_of(object_id: str, workers: int) -> int:
    """The number of the worker that fills, evicts and writes an object."""
    return shelf_of(object_id) * workers // SHELVES


def shelves_of(number: int, workers: int) -> range:
    """The shelves of one worker."""
    return range(-(-number * SHELVES // workers), -(-(number + 1) * SHELVES // workers))


def mark_of(shelves: range) -> str:
    """Name of the file that says that these shelves were left in order."""
    if shelves == ALL_SHELVES:
        return "clean"
    return f"clean-{shelves.start:02x}-{shelves.stop - 1:02x}"


def parse_mark(name: str) -> range | None:
    """The shelves a mark is about; None when the name is no mark."""
    if name == "clean":
        return ALL_SHELVES
    word, _, numbers = name.partition("-")
    first, _, last = numbers.partition("-")
    try:
        shelves = range(int(first, 16), int(last, 16) + 1)
    except ValueError:
        return None
    inside = word == "clean" and 0 <= shelves.start < shelves.stop <= SHELVES
    return shelves if inside and mark_of(shelves) == name else None

"""Which blocks of which targets stay whatever comes, written down so that a restart knows them.

Blocks are half-open ranges [first, stop) of a target, whatever version or variant of it is held;
stop None is the end of the content. A pin may come before the content.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from edge.cache.shelves import ALL_SHELVES

Range = tuple[int, int | None]

_VERSION: Final = 1


def pins_name(shelves: range) -> str:
    """Name of the file in which the owner of these shelves keeps its pins."""
    if shelves == ALL_SHELVES:
        return "pins"
    return f"pins-{shelves.start:02x}-{shelves.stop - 1:02x}"


class Pins:
    """`path` is where they are kept; only `load` and `save` touch it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ranges: dict[bytes, list[Range]] = {}

    def load(self) -> bool:
        """Read what was saved; False when the file is there and is none of ours."""
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        try:
            record = json.loads(text)
            ranges = {
                target.encode("latin-1"): [_range(each) for each in given]
                for target, given in record["pins"].items()
            }
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return False
        self._ranges = ranges
        return True

    def to_bytes(self) -> bytes:
        """All of them, as `save` writes and `load` reads them."""
        pins = {target.decode("latin-1"): ranges for target, ranges in self._ranges.items()}
        return json.dumps({"version": _VERSION, "pins": pins}).encode()

    def save(self, content: bytes) -> None:
        """Write all of them, whole or not at all; blocks. Raises OSError."""
        aside = self._path.with_name(f"{self._path.name}.new")
        with open(aside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(self._path)

    def targets(self) -> list[bytes]:
        """Everything of which something is pinned."""
        return list(self._ranges)

    def ranges_of(self, target: bytes) -> list[Range]:
        """The pinned ranges of a target, apart and in order."""
        return list(self._ranges.get(target, ()))

    def is_pinned(self, target: bytes, block: int) -> bool:
        """Whether a block of the target stays."""
        ranges = self._ranges.get(target)
        return ranges is not None and any(_holds(each, block) for each in ranges)

    def add(self, target: bytes, first: int, stop: int | None) -> None:
        """Pin blocks [first, stop); those that were pinned stay so."""
        if stop is not None and stop <= first:
            return
        ranges = [*self._ranges.get(target, ()), (first, stop)]
        self._ranges[target] = _joined(ranges)

    def discard(self, target: bytes, first: int, stop: int | None) -> None:
        """Blocks [first, stop) are as any other again."""
        if stop is not None and stop <= first:
            return
        left: list[Range] = []
        for begin, end in self._ranges.pop(target, ()):
            if begin < first:
                left.append((begin, first if end is None else min(end, first)))
            if stop is not None and (end is None or end > stop):
                left.append((max(begin, stop), end))
        if left:
            self._ranges[target] = left


def _holds(pinned: Range, block: int) -> bool:
    first, stop = pinned
    return first <= block and (stop is None or block < stop)


def _joined(ranges: list[Range]) -> list[Range]:
    ranges.sort(key=lambda each: each[0])
    joined = [ranges[0]]
    for first, stop in ranges[1:]:
        begin, end = joined[-1]
        if end is not None and first > end:
            joined.append((first, stop))
        elif end is not None and (stop is None or stop > end):
            joined[-1] = begin, stop
    return joined


def _range(given: object) -> Range:
    match given:
        case [int(first), int(stop)] if 0 <= first < stop:
            return first, stop
        case [int(first), None] if first >= 0:
            return first, None
    raise ValueError("not a range of blocks")

"""Requests in flat arrays: when, which unit, how many bytes.

A unit is what a row asks for, the pair of key and offset, unless the trace is cut into blocks as
an edge does. Keys become numbers; offsets become positions in their title.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from math import gcd
from pathlib import Path
from typing import Final

from edge.cache.policy.slots import BLOCK_MASK
from scripts.cli.errors import FailedError
from scripts.simulation.access_log import Row, rows_of
from scripts.simulation.lines import open_lines

_SAMPLED: Final = ',"sample":'
_COLUMNS = ("time", "key", "size", "offset")


@dataclass(slots=True)
class Trace:
    """One item in each array for each request for a unit, in the order of time.

    `asked` are the bytes the viewer wanted of it, `sizes` what has to be fetched when it is not
    held; `opens` is 1 for the first unit of a row. `lengths` says how many units a title has,
    `keys` how it was called.
    """

    times: array[float] = field(default_factory=lambda: array("d"))
    numbers: array[int] = field(default_factory=lambda: array("Q"))
    blocks: array[int] = field(default_factory=lambda: array("I"))
    asked: array[int] = field(default_factory=lambda: array("Q"))
    sizes: array[int] = field(default_factory=lambda: array("Q"))
    opens: bytearray = field(default_factory=bytearray)
    lengths: dict[int, int] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    footprint_bytes: int = 0

    def __len__(self) -> int:
        return len(self.times)


def read_trace(path: Path, block_bytes: int | None) -> Trace:
    """A trace, or an access log, which is cut into blocks in any case.

    Raises FailedError with file and line.
    """
    with open_lines(path) as lines:
        head = next(iter(lines), "")
        if head.startswith("{"):
            return cut(_logged(path, [head], lines), block_bytes or 1 << 20)
        rows = list(_rows(path, head, lines))
    if not rows:
        raise FailedError(f"{path}: no requests in it")
    return cut(rows, block_bytes) if block_bytes else whole(rows, path)


def whole(rows: list[Row], path: Path) -> Trace:
    """A unit for each pair of key and offset. Raises FailedError."""
    grain = gcd(*(offset for _, _, _, offset in rows)) or 1
    if max(offset for _, _, _, offset in rows) // grain > BLOCK_MASK:
        raise FailedError(f"{path}: offsets without a common measure; give --block-bytes")
    trace, numbers = Trace(), dict[str, int]()
    ends: dict[int, int] = {}
    short: set[int] = set()
    for seconds, key, size, offset in rows:
        number = numbers.setdefault(key, len(numbers))
        _add(trace, seconds, number, offset // grain, size, size, True)
        ends[number] = max(ends.get(number, 0), offset // grain + 1)
        if size < grain or grain == 1:
            short.add(number)
    trace.keys = list(numbers)
    # Few titles are asked for to their end. One of which only full pieces were seen is taken to
    # be as long as the longest; a piece that is not full ends its title.
    longest = max(ends.values())
    trace.lengths = {n: end if n in short else longest for n, end in ends.items()}
    _measure(trace)
    return trace


def cut(rows: Iterable[Row], block_bytes: int) -> Trace:
    """Units are blocks of titles, as an edge holds them; a title ends where it was seen to."""
    trace, numbers = Trace(), dict[str, int]()
    ends: dict[int, int] = {}
    for seconds, key, size, offset in rows:
        number = numbers.setdefault(key, len(numbers))
        stop = offset + size
        ends[number] = max(ends.get(number, 0), stop)
        for block in range(offset // block_bytes, -(-stop // block_bytes)):
            start = block * block_bytes
            asked = min(stop, start + block_bytes) - max(offset, start)
            _add(trace, seconds, number, block, asked, block_bytes, start <= offset)
    trace.keys = list(numbers)
    trace.lengths = {number: -(-end // block_bytes) for number, end in ends.items()}
    for place, number in enumerate(trace.numbers):
        left = ends[number] - trace.blocks[place] * block_bytes
        trace.sizes[place] = min(block_bytes, left)
    _measure(trace)
    return trace


def _add(
    trace: Trace, seconds: float, number: int, block: int, asked: int, size: int, opens: bool
) -> None:
    trace.times.append(seconds)
    trace.numbers.append(number)
    trace.blocks.append(block)
    trace.asked.append(asked)
    trace.sizes.append(size)
    trace.opens.append(opens)


def _measure(trace: Trace) -> None:
    units = zip(trace.numbers, trace.blocks, strict=True)
    trace.footprint_bytes = sum(dict(zip(units, trace.sizes, strict=True)).values())


def _rows(path: Path, head: str, lines: Iterable[str]) -> Iterator[Row]:
    names = head.strip().split(",")
    try:
        columns = [names.index(name) for name in _COLUMNS]
    except ValueError as error:
        raise FailedError(
            f"{path}:1: neither an access log nor a line of columns with {', '.join(_COLUMNS)}"
        ) from error
    at, key, size, offset = columns
    for number, line in enumerate(lines, 2):
        cells = line.rstrip("\n").split(",")
        try:
            row = float(cells[at]), cells[key], int(cells[size]), int(cells[offset])
        except (ValueError, IndexError) as error:
            raise FailedError(f"{path}:{number}: not a request: {line.strip()!r}") from error
        if row[2] < 1 or row[3] < 0:
            raise FailedError(f"{path}:{number}: size is at least 1, offset at least 0")
        yield row


def _logged(path: Path, head: list[str], lines: Iterable[str]) -> list[Row]:
    rows: list[Row] = []
    for number, line in enumerate(chain(head, lines), 1):
        if _SAMPLED in line:
            raise FailedError(
                f"{path}:{number}: the log has a share of the hits only (log_sample_ratio): what a "
                "cache would make of them cannot be told"
            )
        try:
            rows += rows_of(line)
        except (ValueError, TypeError) as error:
            raise FailedError(f"{path}:{number}: not a line of an access log") from error
    if not rows:
        raise FailedError(f"{path}: no answers with content in it")
    # Lines are written when answers end; a rule hears of requests in the order they came.
    rows.sort(key=lambda row: row[0])
    return rows

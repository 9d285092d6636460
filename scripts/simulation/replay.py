"""One rule at one size: the units of a trace asked for one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge.cache.index import BlockIndex
from edge.cache.policy.named import Rule, order_maker
from scripts.simulation.trace import Trace

STEP = 20_000
"""Requests between two words about how far it is."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule comes to, after the warm-up. Ratios are of rows, and of bytes asked for.

    Origin counts all bytes of the units fetched, written those that came into the cache.
    """

    object_miss_ratio: float
    byte_miss_ratio: float
    origin_ratio: float
    write_ratio: float


@dataclass(slots=True)
class _Counts:
    rows: int = 0
    rows_missed: int = 0
    asked: int = 0
    missed: int = 0
    fetched: int = 0
    written: int = 0


def replay(
    trace: Trace,
    rule: Rule,
    capacity_bytes: int,
    warmup: float,
    tell: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Ask for everything; the first `warmup` of the requests (0 to 1) are not counted.

    `tell` hears how many requests were played since the last time.
    """
    index = BlockIndex(capacity_bytes, order_maker(rule))
    for number, blocks in trace.lengths.items():
        index.expect(number, blocks)
    counts = _Counts()
    start = int(len(trace) * warmup)
    for first in range(0, len(trace), STEP):
        stop = min(first + STEP, len(trace))
        middle = min(max(start, first), stop)
        _play(trace, index, first, middle, _Counts())
        _play(trace, index, middle, stop, counts)
        tell(stop - first)
    rows, asked = max(counts.rows, 1), max(counts.asked, 1)
    return Outcome(
        counts.rows_missed / rows,
        counts.missed / asked,
        counts.fetched / asked,
        counts.written / asked,
    )


def _play(trace: Trace, index: BlockIndex, first: int, stop: int, counts: _Counts) -> None:
    row_missed = True
    items = zip(
        trace.times[first:stop],
        trace.numbers[first:stop],
        trace.blocks[first:stop],
        trace.asked[first:stop],
        trace.sizes[first:stop],
        trace.opens[first:stop],
        strict=True,
    )
    for now, number, block, asked, size, opens in items:
        if opens:
            counts.rows += 1
            row_missed = False
        counts.asked += asked
        unit = number, block
        if index.hit(unit, now):
            continue
        counts.missed += asked
        counts.fetched += size
        if not row_missed:
            row_missed = True
            counts.rows_missed += 1
        if index.miss(unit, size, now) and index.admit(unit, size, now) is not None:
            counts.written += size

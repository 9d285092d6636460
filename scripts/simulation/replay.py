"""One rule at one size: the units of a trace asked for one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from edge.cache.index import BlockIndex
from edge.cache.policy.kinds import Kinds
from edge.cache.policy.named import Rule
from edge.rules import shared_index
from scripts.simulation.trace import Trace

STEP = 20_000
"""Requests between two words about how far it is."""


@dataclass(frozen=True, slots=True)
class KindOutcome:
    """The same of one kind of content, and what it has in the end."""

    kind: str
    asked_bytes: int
    byte_miss_ratio: float
    share_bytes: int
    held_bytes: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule comes to, after the warm-up. Ratios are of rows, and of bytes asked for.

    Origin counts all bytes of the units fetched, written those that came into the cache.
    """

    object_miss_ratio: float
    byte_miss_ratio: float
    origin_ratio: float
    write_ratio: float
    kinds: tuple[KindOutcome, ...] = ()


@dataclass(slots=True)
class _Counts:
    rows: int = 0
    rows_missed: int = 0
    asked: int = 0
    missed: int = 0
    fetched: int = 0
    written: int = 0
    kinds_asked: Counter[int] = field(default_factory=Counter)
    kinds_missed: Counter[int] = field(default_factory=Counter)


def replay(
    trace: Trace,
    rule: Rule,
    capacity_bytes: int,
    warmup: float,
    tell: Callable[[int], None] = lambda _: None,
    shares: Sequence[tuple[str, float]] = (),
) -> Outcome:
    """Ask for everything; the first `warmup` of the requests (0 to 1) are not counted.

    `tell` hears how many requests were played since the last time. `shares` are those of kinds of
    content, by the prefixes of their targets.
    """
    index = shared_index(capacity_bytes, rule, shares)
    for number, blocks in trace.lengths.items():
        if index.kinds is not None:
            index.kinds.enrol(number, target_of(trace.keys[number]))
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
        tuple(_kind_outcomes(counts, index.kinds)) if index.kinds is not None else (),
    )


def target_of(key: str) -> bytes:
    """The target under which an edge holds what a trace calls `key`: without its token."""
    path = key if key.startswith("/") else f"/{key}"
    if path.startswith("/~"):
        path = f"/{path.partition('/~')[2].partition('/')[2]}"
    return path.encode()


def _kind_outcomes(counts: _Counts, kinds: Kinds) -> Iterator[KindOutcome]:
    for kind, (name, share_bytes, held_bytes) in enumerate(kinds.levels()):
        asked, missed = counts.kinds_asked[kind], counts.kinds_missed[kind]
        yield KindOutcome(name, asked, missed / max(asked, 1), share_bytes, held_bytes)


def _play(trace: Trace, index: BlockIndex, first: int, stop: int, counts: _Counts) -> None:
    row_missed = True
    kind_of = None if index.kinds is None else index.kinds.of
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
        if kind_of is not None:
            counts.kinds_asked[kind_of(number)] += asked
        if index.hit(unit, now):
            continue
        counts.missed += asked
        if kind_of is not None:
            counts.kinds_missed[kind_of(number)] += asked
        counts.fetched += size
        if not row_missed:
            row_missed = True
            counts.rows_missed += 1
        if index.miss(unit, size, now) and index.admit(unit, size, now) is not None:
            counts.written += size

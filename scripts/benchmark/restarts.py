"""What a restart in the middle of a trace costs, with what its rule had learned and without.

    python -m scripts.benchmark.restarts TRACE [TRACE...] --size 640MB,2560MB --policy titlelfu,duel

The cache is found again as an edge finds it, title by title. What was learned is that of the last
snapshot, as old as a kill may find it.
"""

from __future__ import annotations

import argparse
import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from config.units import parse_size
from edge.cache.policy.learned import format_learned, parse_learned, strongest
from edge.cache.policy.named import Rule, parse_rule
from edge.cache.policy.slots import Unit
from edge.rules import shared_index
from scripts.benchmark.report import format_number, lay_out
from scripts.simulation.trace import Trace, read_trace

_DAY: Final = 86_400.0
_WARMUP: Final = 0.25
_MIXER: Final = 0x9E3779B97F4A7C15
_MASK: Final = (1 << 64) - 1


class Restart(Enum):
    """What becomes of the edge in the middle."""

    NONE = "no restart"
    REMEMBERS = "remembers"
    FORGETS = "forgets"


_COLUMNS: Final = [(each, part) for part in ("whole", "behind") for each in Restart]


@dataclass(frozen=True, slots=True)
class Ratios:
    """Bytes missed of those asked for: without the first quarter, and behind the middle."""

    whole: float
    behind: float


class Life:
    """An edge's cache under a rule, told of titles as it comes to know them."""

    def __init__(self, trace: Trace, rule: Rule, capacity_bytes: int) -> None:
        self.index = shared_index(capacity_bytes, rule)
        self.held: dict[Unit, int] = {}
        self._trace = trace
        self._expected: set[int] = set()

    def ask(self, place: int) -> bool:
        """Ask for one unit of the trace; whether it was missed."""
        trace, index = self._trace, self.index
        number, now, size = trace.numbers[place], trace.times[place], trace.sizes[place]
        unit = number, trace.blocks[place]
        self._expect(number)
        if index.hit(unit, now):
            return False
        victims = index.admit(unit, size, now) if index.miss(unit, size, now) else None
        if victims is not None:
            self.held[unit] = size
            for victim in victims:
                del self.held[victim]
        return True

    def snapshot(self, now: float) -> bytes:
        """What it would write down now."""
        learned = self.index.learned(now).items()
        return format_learned({kind: strongest(each) for kind, each in learned})

    def find(self, held: Mapping[Unit, int], now: float) -> None:
        """What an earlier life held, title by title, in no order that means anything."""
        titles: dict[int, list[tuple[int, int]]] = {}
        for (number, block), size in sorted(held.items()):
            titles.setdefault(number, []).append((block, size))
        for number in sorted(titles, key=lambda each: each * _MIXER & _MASK):
            self._expect(number)
            full = max(size for _, size in titles[number])
            whole = array("Q", [block for block, size in titles[number] if size == full])
            if self.index.admit_all(number, whole, full, now):
                self.held.update({(number, block): full for block in whole})
            for block, size in titles[number]:
                if (number, block) not in self.held and self.index.admit(
                    (number, block), size, now
                ):
                    raise AssertionError("what was held before does not fit")
                self.held[number, block] = size

    def _expect(self, number: int) -> None:
        if number not in self._expected:
            self._expected.add(number)
            self.index.expect(number, self._trace.lengths[number])


def play(
    trace: Trace, rule: Rule, capacity_bytes: int, restart: Restart, snapshot_seconds: float
) -> Ratios:
    """The trace with or without a restart in its middle; the last snapshot is so old at most."""
    life, middle, record = Life(trace, rule, capacity_bytes), len(trace) // 2, b""
    asked, missed = [0, 0], [0, 0]
    due = trace.times[0]
    for place, now in enumerate(trace.times):
        if place == middle and restart is not Restart.NONE:
            before, life = life, Life(trace, rule, capacity_bytes)
            if restart is Restart.REMEMBERS:
                life.index.relearn(parse_learned(record), now)
            life.find(before.held, now)
        elif restart is Restart.REMEMBERS and place < middle and now >= due:
            due, record = now + snapshot_seconds, life.snapshot(now)
        size = trace.asked[place] * life.ask(place)
        for part in range((place >= len(trace) * _WARMUP) + (place >= middle)):
            asked[part] += trace.asked[place]
            missed[part] += size
    return Ratios(missed[0] / asked[0], missed[1] / asked[1])


def main() -> None:
    """Prints a line for each trace, size and rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("traces", type=Path, nargs="+")
    parser.add_argument("--size", required=True, help="of the cache, with commas")
    parser.add_argument("--policy", default="titlelfu,duel")
    parser.add_argument("--snapshot-seconds", type=float, default=60.0)
    args = parser.parse_args()
    rows = [["trace", "cached", "rule", *(f"{each.value}, {part}" for each, part in _COLUMNS)]]
    for path in args.traces:
        trace = read_trace(path, None)
        for size in args.size.split(","):
            for name in args.policy.split(","):
                capacity = parse_size(size)
                rule = parse_rule(name, _DAY, 3 * _DAY)
                found = {
                    each: play(trace, rule, capacity, each, args.snapshot_seconds)
                    for each in Restart
                }
                figures = [getattr(found[each], part) for each, part in _COLUMNS]
                row = [path.name, size, name]
                rows.append([*row, *(format_number(figure, 4) for figure in figures)])
                print(*rows[-1], file=sys.stderr, flush=True)
    print(lay_out(rows))


if __name__ == "__main__":
    main()

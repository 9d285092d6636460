"""Days of a trace with quiet hours in them: what evenings ask of the origin, filled or not.

Every night a plan is made from the requests of the days before, by the planner that places films
on real edges. What it names is fetched while the quiet hours last, at a bounded pace and beside the
requests of the night, and stays whatever the rule of the cache says; what it no longer names is as
any other block again. The first day is there to learn from and is not counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from edge.cache.index import BlockIndex
from edge.cache.policy.named import Rule, order_maker
from edge.cache.policy.slots import Unit
from origin.placement.planner import Film, Placed, Spot, Terms, plan
from scripts.simulation.trace import Trace

DAY_SECONDS: Final = 86_400.0
QUIET_HOURS: Final = (2.0, 8.0)
EVENING_HOURS: Final = (19.0, 23.0)
CURVE_PARTS: Final = 16


@dataclass(frozen=True, slots=True)
class Fill:
    """`share` of the cache is for films placed; this much comes in a second of quiet hours.

    Days before yesterday count half every `half_life_days`; 0: not at all.
    """

    share: float
    bytes_per_second: float
    half_life_days: float = 3.0

    @property
    def fade(self) -> float:
        """What a day counts beside the one after it."""
        return 0.5 ** (1 / self.half_life_days) if self.half_life_days else 0.0


@dataclass(slots=True)
class Evenings:
    """Bytes asked for, missed and filled, of which `evening_` in the busy hours."""

    asked: int = 0
    missed: int = 0
    filled: int = 0
    evening_asked: int = 0
    evening_missed: int = 0

    @property
    def evening_ratio(self) -> float:
        """Of the bytes asked for in the busy hours, what the origin sent."""
        return self.evening_missed / max(self.evening_asked, 1)

    @property
    def origin_ratio(self) -> float:
        """The same for whole days, with what was filled."""
        return (self.missed + self.filled) / max(self.asked, 1)

    def ask(self, size_bytes: int, hour: float, *, missed: bool) -> None:
        """A request of this hour of the day."""
        is_evening = EVENING_HOURS[0] <= hour < EVENING_HOURS[1]
        self.asked += size_bytes
        self.missed += size_bytes * missed
        self.evening_asked += size_bytes * is_evening
        self.evening_missed += size_bytes * (is_evening and missed)


def evening_rate(trace: Trace) -> float:
    """Bytes a second that viewers ask for in the busy hours."""
    first, stop = EVENING_HOURS
    asked = sum(
        size
        for now, size in zip(trace.times, trace.asked, strict=True)
        if first <= _hour(now) < stop
    )
    days = trace.times[-1] // DAY_SECONDS + 1
    return asked / (days * (stop - first) * 3600)


def replay_nights(trace: Trace, rule: Rule, capacity_bytes: int, fill: Fill | None) -> Evenings:
    """Play all of it; what comes before the quiet hours of the second day is not counted."""
    index = BlockIndex(capacity_bytes, order_maker(rule))
    for number, blocks in trace.lengths.items():
        index.expect(number, blocks)
    night = None if fill is None else _Night(trace, index, fill)
    found = Evenings()
    begins = DAY_SECONDS + QUIET_HOURS[0] * 3600
    for now, unit, size in _requests(trace):
        if night is not None:
            found.filled += night.pass_to(now)
            night.note(unit)
        is_held = index.hit(unit, now)
        if now >= begins:
            found.ask(size, _hour(now), missed=not is_held)
        if not is_held and index.miss(unit, size, now):
            index.admit(unit, size, now)
    return found


class _Night:
    """Requests of the days before, and what tonight's plan still wants."""

    def __init__(self, trace: Trace, index: BlockIndex, fill: Fill) -> None:
        self._lengths = trace.lengths
        self._unit_bytes = max(trace.sizes)
        self._index = index
        self._fill = fill
        self._asked: dict[int, float] = dict.fromkeys(trace.lengths, 0.0)
        self._days = 1.0
        self._curve = [0] * CURVE_PARTS
        self._held: dict[str, int] = {}
        self._waiting: deque[Unit] = deque()
        self._begins = QUIET_HOURS[0] * 3600
        self._spent = 0

    def note(self, unit: Unit) -> None:
        """A viewer asked for it."""
        number, block = unit
        self._asked[number] += 1
        self._curve[min(block * CURVE_PARTS // self._lengths[number], CURVE_PARTS - 1)] += 1

    def pass_to(self, now: float) -> int:
        """Do what is due by now; the bytes that were fetched."""
        if now >= self._begins + DAY_SECONDS:
            self._begins += DAY_SECONDS
            self._plan(now)
        before, since = self._spent, now - self._begins
        if since < (QUIET_HOURS[1] - QUIET_HOURS[0]) * 3600:
            while self._waiting and self._spent <= since * self._fill.bytes_per_second:
                self._fetch(self._waiting.popleft(), now)
        return self._spent - before

    def _plan(self, now: float) -> None:
        size, fade = self._unit_bytes, self._fill.fade
        seconds = (QUIET_HOURS[1] - QUIET_HOURS[0]) * 3600
        spot = Spot(
            "edge",
            int(self._index.capacity_bytes * self._fill.share),
            int(seconds * self._fill.bytes_per_second),
        )
        films = [Film(str(number), blocks * size) for number, blocks in self._lengths.items()]
        scale = size / self._days
        demand = {str(number): count * scale for number, count in self._asked.items() if count}
        terms = Terms(size, curve=self._curve)
        rows = plan(films, [spot], {"edge": demand}, {"edge": self._held}, terms)["edge"]
        self._waiting = deque(self._take_over(rows, now))
        self._held = {row.film: row.stop_bytes for row in rows if row.stop_bytes}
        self._asked = {number: count * fade for number, count in self._asked.items()}
        self._days = self._days * fade + 1
        self._spent = 0

    def _take_over(self, rows: Sequence[Placed], now: float) -> Iterator[Unit]:
        """What has to come; what is placed no longer leaves when its turn comes."""
        size = self._unit_bytes
        for row in rows:
            number, held, stop = int(row.film), row.held_bytes // size, row.stop_bytes // size
            for block in range(stop, held):
                self._index.unpin((number, block), now)
        for row in rows:
            number = int(row.film)
            for block in range(row.held_bytes // size, row.stop_bytes // size):
                yield number, block

    def _fetch(self, unit: Unit, now: float) -> None:
        size = self._unit_bytes
        if unit not in self._index:
            if self._index.admit(unit, size, now) is None:
                return
            self._spent += size
        self._index.pin(unit)


def _requests(trace: Trace) -> Iterator[tuple[float, Unit, int]]:
    units = zip(trace.numbers, trace.blocks, strict=True)
    return zip(trace.times, units, trace.sizes, strict=True)


def _hour(now: float) -> float:
    return now % DAY_SECONDS / 3600

"""Bytes of each title since they were last reported, by day and kind. Pure.

Bounded: what comes when the ledger is full, or belongs to no title, counts without one, so that
the sum stays right whatever viewers ask for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cdnkit.titles import counted_title
from cdnkit.wire import Traffic
from edge.entry import Entry
from edge.upstream.lent import Lent

ROWS_MAX: Final = 20_000
"""Titles of a day and kind; some 4 MB. What an unreachable origin leaves here is no more."""
_UNSERVED: Final = 400


@dataclass(frozen=True, slots=True)
class Row:
    """`size_bytes` more of a kind, on a day of UTC (YYYY-MM-DD); no title: of nobody's film."""

    day: str
    title: str
    traffic: Traffic
    size_bytes: int


class Ledger:
    """The bytes of one worker."""

    def __init__(self, now: float = 0.0, rows_max: int = ROWS_MAX) -> None:
        self._rows_max = rows_max
        self._rows: dict[tuple[str, str, Traffic], int] = {}
        self._day = day_of(now)

    def is_over(self, now: float) -> bool:
        """Whether its day is another one by now."""
        return day_of(now) != self._day

    def roll(self, now: float) -> None:
        """From now on it is this moment's day (seconds since the epoch)."""
        self._day = day_of(now)

    def add(self, traffic: Traffic, title: str, size_bytes: int) -> None:
        """Count bytes of a title."""
        if not size_bytes:
            return
        rows, key = self._rows, (self._day, title, traffic)
        if key not in rows and len(rows) >= self._rows_max:
            key = (self._day, "", traffic)
        rows[key] = rows.get(key, 0) + size_bytes

    def sent(self, target: bytes, status: int, size_bytes: int, *, to_edge: bool) -> None:
        """Count an answer. Paths that were not served name no title: anybody can make them up."""
        traffic = Traffic.SHIELD if to_edge else Traffic.EDGE
        self.add(traffic, _title(target, status), size_bytes)

    def billed(self, lent: Lent, target: bytes) -> Lent:
        """Have the content of an answer counted, if an origin sends it; edges count their own."""
        if not lent.pool.endpoint.node:
            title = _title(target, lent.head.status)
            lent.bill = lambda size_bytes: self.add(Traffic.ORIGIN, title, size_bytes)
        return lent

    def filled(self, entry: Entry, lent: Lent, size_bytes: int) -> None:
        """Count content that came into blocks. What a worker of the box lends, that one counts."""
        if entry.loan is None:
            target, _, _ = entry.key.partition(b"\n")
            self.add(lent.purpose, _title(target, entry.head.status), size_bytes)

    def take(self, rows_max: int) -> list[Row]:
        """Take at most so many rows out, those that were begun first."""
        rows = self._rows
        keys = [key for key, _ in zip(rows, range(rows_max), strict=False)]
        return [Row(*key, rows.pop(key)) for key in keys]


def _title(target: bytes, status: int) -> str:
    return counted_title(target.decode("latin-1")) if 0 < status < _UNSERVED else ""


def day_of(now: float) -> str:
    """The day of UTC that a moment belongs to."""
    return datetime.fromtimestamp(now, UTC).date().isoformat()

"""How busy an edge is, as it tells its routers: the fullest of what it can run out of.

Rates are taken over the last few seconds of all workers together, so that a moment's burst is no
load and the end of one is soon seen. What a router makes of it is the router's business. Pure.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from cdnkit.wire import Outcome
from edge.totals import Totals

WINDOW_SECONDS: Final = 5.0
ANSWERS_MIN: Final = 20
"""Answers in the window below which a share of failures says nothing."""

_SERVER_FAULT: Final = 500
_OWN: Final = Outcome.OWN.value


@dataclass(frozen=True, slots=True)
class Capacity:
    """What an edge has: bits per second (0: not known), connections and worker processes."""

    egress_bits_per_second: float
    connections: int
    workers: int


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    egress_bytes: int
    busy_seconds: float
    answers: int
    failures: int
    hits: int


class LoadMeter:
    """Feed it the totals about once a second."""

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self._samples: deque[_Sample] = deque()
        self._levels: dict[str, int] = {}
        self._told: dict[str, Any] = {}

    def adopt(self, capacity: Capacity) -> None:
        """From now on it has this much."""
        self._capacity = capacity

    def take(self, totals: Totals, now: float, began_at: float = 0.0) -> None:
        """Take in the totals of all workers at a moment (seconds, monotonic).

        They have been counted since `began_at` (seconds since 1970).
        """
        samples = self._samples
        samples.append(_sample(totals, now))
        # One sample at or before the window's beginning is kept: rates are differences.
        while len(samples) > 2 and samples[1].at <= now - WINDOW_SECONDS:
            samples.popleft()
        self._levels = {
            "open_connections": totals.levels["open_connections"],
            "streams": totals.levels["streams"],
            "in_flight_bytes": totals.levels["in_flight_bytes"],
        }
        self._told = {
            # Workers answer in turn, each with sums of the others that may be a second older:
            # a count that is lower than before is a restart only when this has changed, too.
            "counting_since": round(began_at, 3),
            "sent_bytes": {
                f"{outcome}:{reason}" if reason else outcome: count
                for (outcome, reason), count in totals.sent_bytes.items()
            },
            "fill_bytes": totals.counts["fill_bytes"],
            "origin_bytes": totals.counts["origin_bytes"],
        }

    def report(self) -> dict[str, Any]:
        """`load` (1 is all it has) and what it is made of; nothing before the first totals.

        Counts of bytes are since the start: who reads them twice has the bytes between.
        """
        if not self._samples:
            return {}
        capacity, first, last = self._capacity, self._samples[0], self._samples[-1]
        seconds = max(last.at - first.at, 1e-3)
        egress = 8 * max(0, last.egress_bytes - first.egress_bytes) / seconds
        busy = max(0.0, last.busy_seconds - first.busy_seconds) / seconds / capacity.workers
        shares = [busy, self._levels["open_connections"] / capacity.connections]
        if capacity.egress_bits_per_second:
            shares.append(egress / capacity.egress_bits_per_second)
        answers = last.answers - first.answers
        told = answers >= ANSWERS_MIN
        return {
            "load": round(max(shares), 3),
            "egress_bits_per_second": round(egress),
            "capacity_bits_per_second": round(capacity.egress_bits_per_second),
            "busy": round(busy, 3),
            **self._levels,
            "failing": round((last.failures - first.failures) / answers, 3) if told else None,
            "hits": round((last.hits - first.hits) / answers, 3) if told else None,
            **self._told,
        }


def _sample(totals: Totals, now: float) -> _Sample:
    # A drained edge answers probes with 503: that is no failure of what viewers get.
    of_viewers = [(key, count) for key, count in totals.requests.items() if key[0] != _OWN]
    return _Sample(
        now,
        totals.counts["egress_bytes"],
        totals.counts["busy_microseconds"] / 1e6,
        sum(count for _, count in of_viewers),
        sum(count for (_, _, status), count in of_viewers if status >= _SERVER_FAULT),
        sum(count for (outcome, _, _), count in of_viewers if outcome == Outcome.HIT.value),
    )

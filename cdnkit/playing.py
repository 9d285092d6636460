"""How titles play, as their players tell: counters by title, in bounded memory. Pure.

Everything counted only grows, and adds up over workers and edges. Titles are so many; what comes
beyond counts under OTHER, and a title that nobody has played for a while gives its place away.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable
from typing import Any, Final

from cdnkit.cmcd import OBJECT_TYPES, STREAM_TYPES, Report

OTHER: Final = "(other)"
TITLES_MAX: Final = 50
SESSIONS_MAX: Final = 20_000
BUFFER_BOUNDS_MS: Final = (500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000)
_QUIET_SECONDS: Final = 600.0
_AVERAGED: Final = ("buffer_ms", "throughput_kbps", "bitrate_kbps", "top_kbps")

Measures = Counter[str]


class Playing:
    """The counters of one process, by title and measure.

    A session counts once for each title it plays, as long as it is among the newest.
    """

    def __init__(self, titles_max: int = TITLES_MAX, sessions_max: int = SESSIONS_MAX) -> None:
        self.by_title: dict[str, Measures] = {}
        self._titles_max = titles_max
        self._sessions_max = sessions_max
        self._heard_at: dict[str, float] = {}
        self._sessions: OrderedDict[tuple[str, str], bool] = OrderedDict()

    def take(self, title: str, report: Report, now: float) -> None:
        """Count what a player of a title told at a moment (seconds, of any clock)."""
        title = self._place(title, now)
        counts = self.by_title.setdefault(title, Counter())
        counts["reports"] += 1
        self._take_session(counts, title, report)
        for name in ("starved", "startup", "failed"):
            if getattr(report, name):
                counts[name] += 1
        if report.rate != 1.0:
            counts["other_rate"] += 1
        if report.stream:
            counts[f"stream_{report.stream}"] += 1
        if report.kind:
            counts[f"object_{report.kind}"] += 1
        for name in _AVERAGED:
            value = getattr(report, name)
            if value is not None:
                counts[f"{name}_sum"] += value
                counts[f"{name}_count"] += 1
        if report.buffer_ms is not None:
            bound = next((each for each in BUFFER_BOUNDS_MS if report.buffer_ms <= each), None)
            counts[f"buffer_le_{bound or 'inf'}"] += 1

    def _take_session(self, counts: Measures, title: str, report: Report) -> None:
        if not report.session:
            return
        key, sessions = (title, report.session), self._sessions
        was_starved = sessions.pop(key, None)
        if was_starved is None:
            counts["sessions"] += 1
            if len(sessions) >= self._sessions_max:
                sessions.popitem(last=False)
        if report.starved and not was_starved:
            counts["starved_sessions"] += 1
        sessions[key] = bool(was_starved) or report.starved

    def _place(self, title: str, now: float) -> str:
        """The title under which to count: its own, if there is a place for it."""
        heard_at = self._heard_at
        if title not in heard_at and len(heard_at) >= self._titles_max:
            quietest = min(heard_at, key=heard_at.__getitem__)
            if now - heard_at[quietest] < _QUIET_SECONDS:
                return OTHER
            del heard_at[quietest]
            gone = self.by_title.pop(quietest, Counter())
            self.by_title.setdefault(OTHER, Counter()).update(gone)
        heard_at[title] = now
        return title


def total_of(all_measures: Iterable[Measures]) -> Measures:
    """The sum over titles."""
    total: Measures = Counter()
    for each in all_measures:
        total.update(each)
    return total


def describe(counts: Measures) -> dict[str, Any]:
    """Measures as members of JSON: counts, means, the histogram of buffers as cumulative counts."""
    told: dict[str, Any] = {
        name: counts[name]
        for name in (
            *("reports", "sessions", "starved_sessions", "starved", "startup", "failed"),
            "other_rate",
        )
    }
    told["rebuffering"] = _share(counts["starved_sessions"], counts["sessions"])
    for name in _AVERAGED:
        told[f"{name}_mean"] = _share(counts[f"{name}_sum"], counts[f"{name}_count"])
    below, buffers = 0, {}
    for bound in (*BUFFER_BOUNDS_MS, "inf"):
        below += counts[f"buffer_le_{bound}"]
        buffers[str(bound)] = below
    told["buffer_ms_at_most"] = buffers
    told["streams"] = {each: counts[f"stream_{each}"] for each in STREAM_TYPES}
    told["objects"] = {each: counts[f"object_{each}"] for each in OBJECT_TYPES}
    return told


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None

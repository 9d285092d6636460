"""All that the operator page is shown of one router's installation, and what changed of it. Pure.

Beliefs come from the fleet, figures from what edges tell with each probe, live routes from the
router's own decisions. `snapshot` is the whole picture; `tick`, once a second, what is new since
the tick before; `change` one edge at the moment its state changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from geo_router.fleet import SERVING, Observation, Result, State
from geo_router.overview.figures import HIT, KINDS, OWN, Figures, gain, read_figures, settled
from geo_router.overview.flows import Flows
from geo_router.overview.history import History
from geo_router.overview.journal import Journal
from geo_router.place import Square

FIGURES: Final = (
    "load",
    "egress_bits_per_second",
    "streams",
    "connections",
    "hit_ratio",
    "latency_ms",
    "failing",
)
"""What is told of an edge as a list of numbers, in this order."""

SENT: Final = "sent."
"""Before a kind of bytes, it names their series."""
SERIES: Final = (
    "egress_bits_per_second",
    *(SENT + kind for kind in KINDS),
    "fill_bytes_per_second",
    "origin_bytes_per_second",
    "streams",
    "connections",
    "decisions_per_second",
    "serving_edges",
)

FLOWS_EACH_TICKS: Final = 3
LOOK_SECONDS_MIN: Final = 0.5
"""An edge with two addresses is looked at twice a second; a rate needs some time."""
_FADE: Final = 0.9
"""Share of the weight that bytes keep from look to look in the hit ratio of one edge."""
_BELIEFS: Final = ("state", "reason", "since", "overloaded", "ipv6", "url", "site", "weight")
_GRAVE: Final = frozenset({State.DOWN.value, State.SLOW.value})
_UNSEEN: Final = State.UNKNOWN.value
_SERVING: Final = frozenset(each.value for each in SERVING)


@dataclass(slots=True)
class _Watched:
    figures: Figures
    at: float
    rates: dict[str, float] = field(default_factory=dict)
    """Bytes a second by series, between the last two looks."""
    hit_bytes: float = 0.0
    sent_bytes: float = 0.0
    late: int = 0
    """Looks since the last answer."""

    @property
    def hit_ratio(self) -> float | None:
        """Share of the bytes of late that were at hand."""
        return self.hit_bytes / self.sent_bytes if self.sent_bytes >= 1 else None


class Board:
    """The picture of one process."""

    def __init__(self, now: float) -> None:
        self.history = History(SERIES)
        self.journal = Journal()
        self.flows = Flows(now)
        self._watched: dict[str, _Watched] = {}
        self._totals = dict.fromkeys(KINDS, 0.0)
        self._decisions = self._decided = 0
        self._told: dict[str, dict[str, Any]] = {}
        self._told_figures: dict[str, list[float | None]] = {}
        self._sample: dict[str, float] = {}
        self._ticks = 0
        self._at = now

    def count(self, square: Square, site: str, times: int = 1) -> None:
        """So many viewers were sent to a site."""
        self._decisions += times
        self.flows.count(square, site, times)

    def observe(self, edge: str, seen: Observation, now: float) -> None:
        """Take in what one probe saw."""
        if seen.result is not Result.ANSWERED and seen.result is not Result.DRAINING:
            self._silence(edge, seen.result)
            return
        figures, before = read_figures(seen.facts), self._watched.get(edge)
        if before is None:
            self._watched[edge] = _Watched(figures, now)
        elif not 0 <= (seconds := now - before.at) < LOOK_SECONDS_MIN:
            # A clock that was set back says nothing of how long it was.
            seconds = max(seconds, LOOK_SECONDS_MIN)
            self._watched[edge] = self._advance(before, figures, now, seconds)

    def change(self, body: Mapping[str, Any], now: float) -> dict[str, Any]:
        """What to tell at once of an edge that has changed."""
        name, state = str(body["name"]), str(body["state"])
        belief, before = _belief(body), self._told.get(name, {})
        self._told[name] = belief
        lines = []
        # That a whole fleet is found well at the start would push everything else out.
        if not (state == State.UP.value and before.get("state", _UNSEEN) == _UNSEEN):
            text, grave = _text(before, belief), state in _GRAVE
            lines = [self.journal.add(now, "edge", text, about=name, state=state, grave=grave)]
        told = [line.body() for line in lines]
        return {"now": round(now, 3), "edges": {name: belief}, "journal": told}

    def tick(self, now: float, bodies: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Take a sample, and say what is new since the tick before. `bodies` are all edges."""
        told, told_figures = self._told, self._told_figures
        self._told = {str(body["name"]): _belief(body) for body in bodies}
        self._told_figures = {str(body["name"]): self._figures_of(body) for body in bodies}
        for gone in self._watched.keys() - self._told.keys():
            del self._watched[gone]
        self._sample = self._take_sample(now)
        self.history.add(now, self._sample)
        self.flows.advance(now)
        self._ticks += 1
        message: dict[str, Any] = {
            "now": round(now, 3),
            "edges": _changed(told, self._told),
            "figures": _changed(told_figures, self._told_figures),
            "gone": sorted(told.keys() - self._told.keys()),
            "sample": _rounded(self._sample),
            "sent_bytes": _rounded(self._totals),
        }
        if self._ticks % FLOWS_EACH_TICKS == 0:
            message["flows"] = self.flows.body()
        return message

    def snapshot(self, now: float) -> dict[str, Any]:
        """Everything as of the last tick, and the state changes since; not the history."""
        return {
            "now": round(now, 3),
            "edges": self._told,
            "figure_names": FIGURES,
            "figures": self._told_figures,
            "kinds": KINDS,
            "sample": _rounded(self._sample),
            "sent_bytes": _rounded(self._totals),
            "flows": self.flows.body(),
            "journal": self.journal.body(),
        }

    def _advance(self, before: _Watched, figures: Figures, now: float, seconds: float) -> _Watched:
        figures = settled(before.figures, figures)
        grown = gain(before.figures, figures)
        for kind, count in grown.sent.items():
            self._totals[kind] += count
        rates = {SENT + kind: count / seconds for kind, count in grown.sent.items()}
        rates["fill_bytes_per_second"] = grown.filled / seconds
        rates["origin_bytes_per_second"] = grown.from_origin / seconds
        return _Watched(
            figures,
            now,
            rates,
            before.hit_bytes * _FADE + grown.sent.get(HIT, 0),
            before.sent_bytes * _FADE + sum(grown.sent.values()) - grown.sent.get(OWN, 0),
        )

    def _silence(self, edge: str, result: Result) -> None:
        watched = self._watched.get(edge)
        if watched is None:
            return
        watched.late += 1
        # One answer that is late is no sign that nothing is sent.
        if result is not Result.TIMED_OUT or watched.late > 1:
            watched.rates = {}
            watched.figures = watched.figures.without_levels()

    def _figures_of(self, body: Mapping[str, Any]) -> list[float | None]:
        watched = self._watched.get(str(body["name"]))
        figures = watched.figures if watched is not None else Figures()
        ratio = watched.hit_ratio if watched is not None else None
        return [
            figures.load,
            figures.egress_bits_per_second,
            figures.streams,
            figures.connections,
            None if ratio is None else round(ratio, 4),
            body["latency_ms"],
            body["failing"],
        ]

    def _take_sample(self, now: float) -> dict[str, float]:
        sample = dict.fromkeys(SERIES, 0.0)
        for watched in self._watched.values():
            figures = watched.figures
            sample["egress_bits_per_second"] += figures.egress_bits_per_second or 0
            sample["streams"] += figures.streams or 0
            sample["connections"] += figures.connections or 0
            for series, rate in watched.rates.items():
                sample[series] += rate
        seconds = max(now - self._at, 1e-3)
        sample["decisions_per_second"] = (self._decisions - self._decided) / seconds
        sample["serving_edges"] = sum(belief["state"] in _SERVING for belief in self._told.values())
        self._at, self._decided = now, self._decisions
        return sample


def _belief(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in _BELIEFS if name in body}


def _text(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    if before.get("state") != after["state"]:
        return f"{after['state']}: {after['reason']}"
    if before.get("overloaded") != after["overloaded"]:
        return "overloaded" if after["overloaded"] else "no longer overloaded"
    apart = after.get("ipv6") or after
    return f"for IPv6 {apart['state']}: {apart['reason']}"


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in after.items() if before.get(name) != value}


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in values.items()}

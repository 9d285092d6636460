"""What an edge tells of itself with every probe, as figures: rates now, bytes since its start.

Bytes are told by outcome and reason; here they are in kinds that leave none out and overlap
nowhere, so that their sum is all that was sent. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cdnkit.wire import MissClass, Outcome

HIT: Final = "hit"
OWN: Final = Outcome.OWN.value
"""Answers about the edge itself, to probes for one: nobody could have had them at hand."""
OTHER: Final = "other"
KINDS: Final = (
    HIT,
    *(each.value for each in MissClass),
    Outcome.PASS.value,
    Outcome.ERROR.value,
    OWN,
    OTHER,
)
"""Kinds of bytes sent: those that were at hand, then why the others were not."""

_AT_HAND: Final = frozenset({Outcome.HIT.value, Outcome.STALE.value, Outcome.REVALIDATED.value})
_BY_OUTCOME: Final = frozenset({Outcome.PASS.value, Outcome.ERROR.value, Outcome.OWN.value})
_REASONS: Final = frozenset(each.value for each in MissClass)
_LABELS_MAX: Final = 200
_COUNTS: Final = ("counting_since", "fill_bytes", "origin_bytes", "sent_bytes")
_MOST: Final = 1e18


@dataclass(frozen=True, slots=True)
class Figures:
    """One edge at one moment; None where it does not tell."""

    load: float | None = None
    egress_bits_per_second: float | None = None
    streams: float | None = None
    connections: float | None = None
    counting_since: float | None = None
    """Names the life of the edge that the counts below are of."""
    fill_bytes: float | None = None
    origin_bytes: float | None = None
    sent_bytes: Mapping[str, float] = field(default_factory=dict)
    """By kind, since its start."""

    def without_levels(self) -> Figures:
        """What it has counted stays known when it falls silent."""
        return replace(self, load=None, egress_bits_per_second=None, streams=None, connections=None)


@dataclass(frozen=True, slots=True)
class Gain:
    """What came to be between two moments of an edge, in bytes."""

    sent: Mapping[str, float]
    filled: float
    from_origin: float


def read_figures(facts: Mapping[str, Any]) -> Figures:
    """The figures in an answer of /readyz, which may hold anything."""
    sent: dict[str, float] = {}
    told = facts.get("sent_bytes")
    if isinstance(told, Mapping) and len(told) <= _LABELS_MAX:
        for label, count in told.items():
            amount = _number(count)
            if amount is not None:
                kind = kind_of(str(label))
                sent[kind] = sent.get(kind, 0) + amount
    return Figures(
        load=_number(facts.get("load")),
        egress_bits_per_second=_number(facts.get("egress_bits_per_second")),
        streams=_number(facts.get("streams")),
        connections=_number(facts.get("open_connections")),
        counting_since=_number(facts.get("counting_since")),
        fill_bytes=_number(facts.get("fill_bytes")),
        origin_bytes=_number(facts.get("origin_bytes")),
        sent_bytes=sent,
    )


def kind_of(label: str) -> str:
    """The kind of `outcome` or `outcome:reason`."""
    outcome, _, reason = label.partition(":")
    if outcome in _AT_HAND:
        return HIT
    if outcome in _BY_OUTCOME:
        return outcome
    return reason if reason in _REASONS else OTHER


def settled(before: Figures, after: Figures) -> Figures:
    """`after`, without counts that are older than those of `before`.

    The workers of an edge answer in turn, each knowing the others' sums of a moment ago, and none
    at all when it has just begun.
    """
    if not after.sent_bytes:
        return replace(after, **{name: getattr(before, name) for name in _COUNTS})
    if after.counting_since is None or after.counting_since != before.counting_since:
        return after
    sent = dict(before.sent_bytes)
    for kind, count in after.sent_bytes.items():
        sent[kind] = max(count, sent.get(kind, 0))
    return replace(
        after,
        sent_bytes=sent,
        fill_bytes=_later(before.fill_bytes, after.fill_bytes),
        origin_bytes=_later(before.origin_bytes, after.origin_bytes),
    )


def gain(before: Figures, after: Figures) -> Gain:
    """What was sent and fetched between. A count that has fallen began anew, from nothing, and so
    have all of an edge that says that it has."""
    if before.counting_since != after.counting_since:
        before = Figures(fill_bytes=0, origin_bytes=0)
    sent = {
        kind: _grown(before.sent_bytes.get(kind, 0), count)
        for kind, count in after.sent_bytes.items()
    }
    return Gain(
        sent,
        _grown(before.fill_bytes, after.fill_bytes),
        _grown(before.origin_bytes, after.origin_bytes),
    )


def _grown(before: float | None, after: float | None) -> float:
    if before is None or after is None:
        return 0
    return after - before if after >= before else after


def _later(before: float | None, after: float | None) -> float | None:
    return before if after is None else max(after, before or 0)


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MOST:
        return value
    return None

"""Who sends most: edges by what they tell of themselves, titles by what access logs tell.

Pure. A log line is written when an answer ends, so a title's bytes count in the window in which
their answers ended; players ask in pieces, and the window evens that out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cdnkit.titles import title_of
from cdnkit.wire import Outcome
from config.topology import EdgeNode
from scripts.logs.records import Record, weight_of
from scripts.overview.looking import Seen


@dataclass(frozen=True, slots=True)
class EdgeRate:
    """What an edge sends now."""

    name: str
    site: str
    bytes_per_second: float
    load: float | None
    streams: int | None
    hits: float | None


@dataclass(frozen=True, slots=True)
class TitleRate:
    """What is sent of a title; `hits` is the share of its bytes that was at hand.

    `rebuffering` is the share of its sessions that starved; None where no player told.
    """

    title: str
    bytes_per_second: float
    requests_per_second: float
    hits: float
    viewers: int
    edges: tuple[str, ...]
    rebuffering: float | None = None


@dataclass(slots=True)
class _Sum:
    sent: float = 0
    hit: float = 0
    requests: float = 0
    clients: set[str] = field(default_factory=set)
    edges: set[str] = field(default_factory=set)


def busiest_edges(all_seen: Iterable[Seen]) -> list[EdgeRate]:
    """Edges, the one that sends most first; those that do not answer send nothing."""
    rates = [
        EdgeRate(
            seen.node.name,
            seen.node.site,
            float(seen.readiness.get("egress_bits_per_second", 0)) / 8,
            seen.readiness.get("load"),
            seen.readiness.get("streams"),
            seen.readiness.get("hits"),
        )
        for seen in all_seen
        if isinstance(seen.node, EdgeNode)
    ]
    return sorted(rates, key=lambda each: (-each.bytes_per_second, each.name))


def busiest_titles(records: Iterable[Record], window_seconds: float) -> list[TitleRate]:
    """Titles in the edges' records of a window, the one that is sent most first."""
    sums: defaultdict[str, _Sum] = defaultdict(_Sum)
    for record in records:
        title = title_of(str(record.get("path", "")))
        if record.get("tier") == "edge" and title and record.get("outcome") != Outcome.OWN.value:
            _add(sums[title], record)
    rates = [
        TitleRate(
            title,
            each.sent / window_seconds,
            each.requests / window_seconds,
            each.hit / each.sent if each.sent else 0.0,
            len(each.clients),
            tuple(sorted(each.edges)),
        )
        for title, each in sums.items()
    ]
    return sorted(rates, key=lambda each: (-each.bytes_per_second, each.title))


def rows_of(rates: Sequence[EdgeRate] | Sequence[TitleRate]) -> list[dict[str, Any]]:
    """As plain values, for JSON."""
    return [{name: getattr(each, name) for name in each.__slots__} for each in rates]


def _add(total: _Sum, record: Record) -> None:
    weight = weight_of(record)
    sent = int(record.get("bytes", 0)) * weight
    total.sent += sent
    total.requests += weight
    if record.get("outcome") == "hit":
        total.hit += sent
    total.clients.add(str(record.get("session") or record.get("client", "")))
    total.edges.add(str(record.get("node", "")))

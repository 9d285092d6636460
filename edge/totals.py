"""What a worker has counted since its start, as one record that can be added up and sent.

The parts keep plain integers; they are read here, once a second and at each scrape, and nothing is
formatted per request.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from cdnkit.playing import TITLES_MAX
from edge.account import Accounts
from edge.cache.holdings import Holdings
from edge.diskroom import Rooms, rooms_of
from edge.fill import Fills
from edge.players import Players, with_fewer_titles
from edge.server import Server


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts by name; `requests` by outcome, reason and status, `sent_bytes` by the first two.

    `evictions` are by the rule that ruled, in blocks, bytes and idle_seconds; `ruling` is how many
    disks each rule rules. `players` has what players told, by title and measure. `levels`,
    `ruling` and `rooms` (of disks) are what is now, all others only ever grow.
    """

    requests: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    sent_bytes: Counter[tuple[str, str]] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    evictions: Counter[tuple[str, str]] = field(default_factory=Counter)
    ruling: Counter[str] = field(default_factory=Counter)
    players: Counter[tuple[str, str]] = field(default_factory=Counter)
    rooms: Rooms = field(default_factory=Counter)

    def without_levels(self) -> Totals:
        """What stays true of a worker that has ended, with no more titles than one has.

        A worker that goes on from those of many before it would else outgrow its page.
        """
        players = with_fewer_titles(self.players, TITLES_MAX)
        return replace(self, levels=Counter(), ruling=Counter(), rooms=Counter(), players=players)

    def to_bytes(self) -> bytes:
        """The record as JSON; `from_bytes` reads it."""
        return json.dumps(
            [
                [[*key, count] for key, count in self.requests.items()],
                [[*key, count] for key, count in self.sent_bytes.items()],
                self.counts,
                self.levels,
                [[*key, count] for key, count in self.evictions.items()],
                self.ruling,
                _nested(self.players),
                [[*key, count] for key, count in self.rooms.items()],
            ]
        ).encode()

    @classmethod
    def from_bytes(cls, text: bytes) -> Totals:
        """A record that `to_bytes` made."""
        requests, sent_bytes, counts, levels, evictions, ruling, players, rooms = json.loads(text)
        return cls(
            _keyed(requests),
            _keyed(sent_bytes),
            Counter(counts),
            Counter(levels),
            _keyed(evictions),
            Counter(ruling),
            Counter(
                {(title, key): n for title, told in players.items() for key, n in told.items()}
            ),
            _keyed(rooms),
        )


def add_up(all_totals: Iterable[Totals]) -> Totals:
    """The sum over workers."""
    total = Totals()
    for each in all_totals:
        total.requests.update(each.requests)
        total.sent_bytes.update(each.sent_bytes)
        total.counts.update(each.counts)
        total.levels.update(each.levels)
        total.evictions.update(each.evictions)
        total.ruling.update(each.ruling)
        total.players.update(each.players)
        total.rooms.update(each.rooms)
    return total


def read_totals(accounts: Accounts, holdings: Holdings, fills: Fills, server: Server) -> Totals:
    """What one worker's parts have counted."""
    counters = accounts.counters
    # What other workers of the box are told goes to no viewer, and is never settled.
    viewers = [each for each in server.connections.values() if not each.neighbour]
    streams = [each for each in viewers if each.exchange is not None or each.owed is not None]
    settled_bytes = sum(counters.sent_bytes.values())
    return Totals(
        Counter(counters.requests),
        Counter(counters.sent_bytes),
        Counter(
            # Films take hours: what has gone out of answers that still run counts, too.
            egress_bytes=settled_bytes + sum(each.sent_bytes for each in streams),
            busy_microseconds=int(time.process_time() * 1e6),
            cut_short=counters.cut_short,
            fills=fills.started_total,
            fill_failures=fills.failed_total,
            fill_bytes=fills.received_bytes_total,
            origin_bytes=fills.origin_bytes_total,
            evicted_blocks=holdings.evicted_blocks_total,
            evicted_bytes=holdings.evicted_bytes_total,
            corrupt_blocks=holdings.corrupt_blocks_total,
            passed_by_blocks=holdings.keeping.passed_by_blocks_total,
            connections=server.accepted_total,
            turned_away=server.turned_away_total,
            accept_pauses=server.accept_pauses_total,
            log_dropped=accounts.dropped_lines,
        ),
        Counter(
            open_connections=len(viewers),
            streams=len(streams),
            in_flight_bytes=sum(each.left for each in streams),
            held_bytes=holdings.held_bytes,
            held_blocks=holdings.held_blocks,
            pinned_bytes=sum(index.pinned_bytes for index in holdings.keeping.indexes),
            entries=len(holdings.entries) - holdings.borrowed_entries,
        ),
        holdings.keeping.evictions(),
        Counter(index.ruling for index in holdings.keeping.indexes),
        rooms=rooms_of(holdings.keeping),
    )


def _nested(players: Players) -> dict[str, dict[str, int]]:
    """Each title once: names are long, and have dozens of measures."""
    titles: dict[str, dict[str, int]] = {}
    for (title, measure), count in players.items():
        titles.setdefault(title, {})[measure] = count
    return titles


def _keyed(rows: list[list[Any]]) -> Counter[Any]:
    return Counter({tuple(row[:-1]): row[-1] for row in rows})

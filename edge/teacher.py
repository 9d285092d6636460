"""What the fast lane may learn from an answer of the full path. One rule, in one place."""

from __future__ import annotations

import time
from collections.abc import Callable

from cdnkit.wire import Outcome
from edge.account import Told
from edge.entry import Entry
from edge.exchange import Exchange
from edge.fastlane import FastLane
from edge.routing import Matched, Routing

__all__ = ["Exchange", "Matched", "Teacher", "Told"]


class Teacher:
    """Teaches one worker's lane."""

    def __init__(
        self, lane: FastLane, routing: Routing, now: Callable[[], float] = time.time
    ) -> None:
        self._lane = lane
        self._routing = routing
        self._now = now

    def adopt(self, routing: Routing) -> None:
        """Other rules: what was let in by those before teaches nothing any more."""
        self._routing = routing
        self._lane.targets.clear()

    def teach(self, exchange: Exchange, told: Told, matched: Matched, entry: Entry) -> None:
        """The same request again needs no decision, for as long as nothing it hangs on changes."""
        if not self._routing.has(matched.rule):
            return
        request, claims = exchange.request, told.claims
        if told.outcome is not Outcome.HIT or told.status not in (200, 206):
            return
        if request.method != b"GET" or entry.key != matched.target or entry.whole_lines:
            return
        good_until = entry.head.freshness.fresh_until
        if claims is not None:
            if matched.token is None or claims.client_prefix or claims.is_foreign:
                return
            if claims.ends_streams:
                # What the lane has begun nobody looks at again.
                return
            good_until = min(good_until, claims.expires_at)
        if good_until > self._now() and b"CMCD=" not in request.target:
            session = claims.session if claims is not None else ""
            self._lane.teach(request.target, entry, good_until, session)

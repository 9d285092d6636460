"""Listens to what players tell in their requests (CMCD), and counts it by title.

Reading takes some 40 microseconds, as much as several hits of the fast lane. So the lane only keeps
the bytes of heads, as many a second as are read at the next tick, and of more than those every
n-th: counts are then of a sample, and `unheard` says how many were passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cdnkit.cmcd import parse_report
from cdnkit.playing import Playing
from cdnkit.titles import counted_title
from edge.cmcd import CMCD_FIELDS, text_of, told_in
from edge.players import UNHEARD

if TYPE_CHECKING:
    from edge.exchange import Exchange
    from edge.fastlane import FastLane
    from edge.teacher import Matched, Told


class Hearing:
    """Of one worker. `hint` gets each request of the full path behind it."""

    def __init__(
        self,
        playing: Playing,
        hint: Callable[[Exchange, Told, Matched], None],
        now: Callable[[], float],
    ) -> None:
        self._playing = playing
        self.unheard = 0
        self._hint = hint
        self._now = now

    def parts(self) -> dict[str, Any]:
        """What the life of a request takes from it."""
        return {"hint": self.take, "hear": self.count}

    def take(self, exchange: Exchange, told: Told, matched: Matched) -> None:
        """Listen to a request that was let in; what it says counts once it is answered."""
        request = exchange.request
        if b"CMCD=" in request.target or any(name in request.fields for name in CMCD_FIELDS):
            told.tells = matched.target, text_of(request.fields, request.target)
            self._hint(exchange, told, matched)

    def count(self, told: Told) -> None:
        """Count what came with a request whose answer has begun.

        Who asks for what is not there tells of no title: anybody could fill the places of titles
        with names that they made up.
        """
        if told.tells is not None and (200 <= told.status < 300 or told.status == 304):
            self._count(*told.tells)

    def absorb(self, lane: FastLane) -> None:
        """Read what the fast lane has kept since the last time."""
        heads, passed_over = lane.take_heard()
        self.unheard += passed_over
        for head in heads:
            target, text = told_in(head)
            self._count(target, text)

    def counted(self) -> Counter[tuple[str, str]]:
        """All that was counted, by title and measure."""
        counted = Counter(
            {
                (title, measure): count
                for title, measures in self._playing.by_title.items()
                for measure, count in measures.items()
            }
        )
        if self.unheard:
            counted[UNHEARD] = self.unheard
        return counted

    def _count(self, target: bytes, text: str) -> None:
        report = parse_report(text)
        if report is not None:
            title = counted_title(target.decode("latin-1"))
            self._playing.take(title, report, self._now())

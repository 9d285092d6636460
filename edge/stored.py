"""GET and HEAD of what may be stored: look up, then serve, revalidate or fetch, as was decided."""

from __future__ import annotations

from cdnkit.errors import CinedgeError, UpstreamTimeoutError
from cdnkit.wire import MissClass, Outcome
from edge.decision import Fetch, Revalidate, Serve, Unsatisfiable
from edge.entry import Entry
from edge.entry_answer import EntryAnswers
from edge.fetch import Fetcher, Learned
from edge.lookup import Found, Lookup
from edge.passthrough import Passthrough
from edge.selection import first_wanted, select
from edge.teacher import Exchange, Matched, Teacher, Told


class Stored:
    """Acts on decisions about stored content; one per worker."""

    def __init__(
        self,
        lookup: Lookup,
        fetcher: Fetcher,
        answers: EntryAnswers,
        passthrough: Passthrough,
        teacher: Teacher,
    ) -> None:
        self._lookup = lookup
        self._fetcher = fetcher
        self._answers = answers
        self._passthrough = passthrough
        self._teacher = teacher

    async def serve(self, exchange: Exchange, told: Told, matched: Matched) -> None:
        """Answer one request. Raises CinedgeError."""
        request = exchange.request
        key = self._lookup.key_of(matched.target, request)
        if self._fetcher.is_uncacheable(key, matched.target):
            await self._passthrough.forward(exchange, told, matched)
            return
        found = self._lookup.find(key, request)
        match found.decision:
            case Serve(_, refresh):
                self._serve(exchange, told, matched, found, refresh)
            case Revalidate(judgement):
                await self._revalidate(exchange, told, matched, found, judgement.usable_on_error)
            case Fetch(miss_class):
                told.miss_class = miss_class
                await self._fetch(exchange, told, matched, key)
            case Unsatisfiable():
                raise UpstreamTimeoutError("nothing stored answers this, and no other was asked")

    def _serve(
        self, exchange: Exchange, told: Told, matched: Matched, found: Found, refresh: bool
    ) -> None:
        entry, selection = found.entry, found.selection
        assert entry is not None
        assert selection is not None
        if refresh:
            self._fetcher.refresh(entry, matched.target, exchange.request)
        outcome = Outcome.STALE if refresh else Outcome.HIT
        self._answers.send(exchange, told, entry, selection, outcome)
        self._teacher.teach(exchange, told, matched, entry)

    async def _fetch(self, exchange: Exchange, told: Told, matched: Matched, key: bytes) -> None:
        request = exchange.request
        if request.method == b"HEAD":
            await self._passthrough.forward(exchange, told, matched)
            return
        learned, told.collapsed = await self._fetcher.learn(
            key,
            matched.target,
            request,
            first_wanted(request),
            exchange.pass_interim,
        )
        if learned.entry is None:
            await self._hand_over(exchange, told, matched, learned)
        else:
            self._send(exchange, told, learned.entry, Outcome.MISS, learned.status)

    async def _revalidate(
        self, exchange: Exchange, told: Told, matched: Matched, found: Found, usable: bool
    ) -> None:
        entry = found.entry
        assert entry is not None
        told.miss_class = MissClass.EXPIRED
        try:
            learned = await self._fetcher.revalidate(entry, matched.target, exchange.request)
        except CinedgeError as error:
            if not usable:
                raise UpstreamTimeoutError("the upstream failed, and stale is forbidden") from error
            self._send(exchange, told, entry, Outcome.STALE, None)
            return
        if learned.entry is not None:
            outcome = Outcome.REVALIDATED if learned.status == 304 else Outcome.MISS
            self._send(exchange, told, learned.entry, outcome, learned.status)
        elif learned.status >= 500 and usable:
            learned.drop()
            self._send(exchange, told, entry, Outcome.STALE, None)
        else:
            await self._hand_over(exchange, told, matched, learned)

    async def _hand_over(
        self, exchange: Exchange, told: Told, matched: Matched, learned: Learned
    ) -> None:
        """The answer may not be stored: it is for the viewer who asked first."""
        if exchange.request.method == b"HEAD":
            learned.drop()
        lent = learned.claim()
        if lent is None:
            await self._passthrough.forward(exchange, told, matched)
        else:
            await self._passthrough.hand_over(exchange, told, lent, learned.keep)

    def _send(
        self,
        exchange: Exchange,
        told: Told,
        entry: Entry,
        outcome: Outcome,
        asked_status: int | None,
    ) -> None:
        selection = select(exchange.request, entry)
        self._answers.send(exchange, told, entry, selection, outcome, asked_status)

"""GET and HEAD of what may be stored: look up, then serve, revalidate or fetch, as was decided."""

from __future__ import annotations

from cdnkit.errors import CinedgeError, UpstreamTimeoutError
from cdnkit.wire import MissClass, Outcome
from edge.decision import Fetch, NotStoredError, Revalidate, Serve, Unsatisfiable
from edge.entry_answer import Entry, EntryAnswers
from edge.fetch import Fetcher, Learned
from edge.gathering import Gatherings
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
        gatherings: Gatherings,
    ) -> None:
        self._lookup = lookup
        self._fetcher = fetcher
        self._answers = answers
        self._passthrough = passthrough
        self._teacher = teacher
        self._gatherings = gatherings

    async def serve(self, exchange: Exchange, told: Told, matched: Matched) -> None:
        """Answer one request. Raises CinedgeError."""
        request = exchange.request
        await self._lookup.reach(matched.target)
        key = self._lookup.key_of(matched.target, request)
        if self._fetcher.is_uncacheable(matched.target, request):
            await self._passthrough.forward(exchange, told, matched)
            return
        found = self._lookup.find(key, request, matched.rule)
        told.forward = found.forward
        match found.decision:
            case Serve() as decision:
                self._serve(exchange, told, matched, found, decision)
            case Revalidate(judgement, by_wish):
                told.miss_class = None if by_wish else MissClass.EXPIRED
                await self._revalidate(exchange, told, matched, found, judgement.usable_on_error)
            case Fetch(miss_class):
                told.miss_class = miss_class
                await self._fetch(exchange, told, matched, key)
            case Unsatisfiable():
                raise NotStoredError("nothing stored answers this, and nothing else was wanted")

    def _serve(
        self, exchange: Exchange, told: Told, matched: Matched, found: Found, decision: Serve
    ) -> None:
        entry, selection = found.entry, found.selection
        assert entry is not None
        assert selection is not None
        if decision.refresh:
            self._fetcher.refresh(entry, matched.target, exchange.request)
        outcome = Outcome.HIT if decision.is_fresh else Outcome.STALE
        self._answers.send(exchange, told, entry, selection, outcome)
        if exchange.asker is None and not exchange.connection.inner:
            self._teacher.teach(exchange, told, matched, entry)

    async def _fetch(self, exchange: Exchange, told: Told, matched: Matched, key: bytes) -> None:
        request = exchange.request
        if request.method == b"HEAD":
            await self._passthrough.forward(exchange, told, matched)
            return
        try:
            learned, told.collapsed = await self._fetcher.learn(
                key,
                matched.target,
                request,
                first_wanted(request),
                exchange.pass_interim,
                exact=exchange.asker is not None or exchange.connection.inner,
                waited_for=exchange.asking,
                on_asking=self._gatherings.around(exchange, told, key, matched.target),
            )
            if learned.failed_over:
                told.miss_class = MissClass.HEALTH
            if learned.entry is not None:
                self._send(exchange, told, learned.entry, Outcome.MISS, learned.status, learned)
        finally:
            self._gatherings.dissolve(exchange)
        if learned.entry is None:
            await self._hand_over(exchange, told, matched, learned)

    async def _revalidate(
        self, exchange: Exchange, told: Told, matched: Matched, found: Found, usable: bool
    ) -> None:
        entry = found.entry
        assert entry is not None
        try:
            learned = await self._fetcher.revalidate(
                entry, matched.target, exchange.request, patient=not usable
            )
        except CinedgeError as error:
            if not usable:
                raise UpstreamTimeoutError("the upstream failed, and stale is forbidden") from error
            self._send_stale(exchange, told, entry, None)
            return
        if learned.failed_over:
            told.miss_class = MissClass.HEALTH
        elif learned.entry is not entry and told.miss_class is None:
            # Asked by the viewer's wish, and there was another version.
            told.miss_class = MissClass.EXPIRED
        if learned.entry is not None:
            stands = learned.entry is entry
            outcome = Outcome.REVALIDATED if stands else Outcome.MISS
            self._send(exchange, told, learned.entry, outcome, learned.status, learned)
        elif learned.status >= 500 and usable:
            learned.drop()
            self._send_stale(exchange, told, entry, learned.status)
        else:
            await self._hand_over(exchange, told, matched, learned)

    async def _hand_over(
        self, exchange: Exchange, told: Told, matched: Matched, learned: Learned
    ) -> None:
        """The answer may not be stored: it is for the viewer who asked first.

        Raises UpstreamError to those who waited when that viewer was told of a failure.
        """
        lent, failure = learned.claim(), learned.failure()
        if learned.status in (502, 503, 504):
            told.miss_class = MissClass.HEALTH
        if lent is None and failure is not None:
            # Asking for itself would cost a failing upstream a question for everyone who waited.
            raise failure
        if lent is None:
            await self._passthrough.forward(exchange, told, matched)
        else:
            await self._passthrough.hand_over(exchange, told, lent, learned.keep)

    def _send_stale(
        self, exchange: Exchange, told: Told, entry: Entry, asked_status: int | None
    ) -> None:
        told.upstream_failed()
        self._send(exchange, told, entry, Outcome.STALE, asked_status)

    def _send(
        self,
        exchange: Exchange,
        told: Told,
        entry: Entry,
        outcome: Outcome,
        asked_status: int | None,
        learned: Learned | None = None,
    ) -> None:
        if learned is not None and learned.says is not None:
            told.adopt(learned.says)
            outcome, asked_status = told.outcome, told.asked_status
        selection = select(exchange.request, entry)
        self._answers.send(exchange, told, entry, selection, outcome, asked_status)

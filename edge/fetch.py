"""Questions to upstreams: the first request for a key, and whether an entry still stands.

One question per key at a time, however many viewers wait; nobody joins a question that was asked
before the content changed. What may be stored becomes an entry and its content is poured into
blocks; what may not goes to the viewer whose question it was, and the others ask for themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from cachetools import TTLCache

from cdnkit.errors import CinedgeError, UpstreamError
from cdnkit.wire import MissClass
from edge.cache.holdings import Holdings
from edge.entry import Entry
from edge.fill import Fills
from edge.http1.request import Request
from edge.onward import shared_pairs
from edge.origin import OnInterim, Origin
from edge.storing import AskForAll, Keep, KeepLater, Known, PassOn, Question, Storing
from edge.upstream.upstreams import Lent

PASS_SECONDS: Final = 10.0
"""How long a key that could not be stored is passed on without queueing (hit-for-miss)."""
_VARIANTS_MAX: Final = 3
"""Questions of others a viewer waits for before asking by itself."""


@dataclass(slots=True)
class Learned:
    """What came of a question: an entry, or an answer for the asker alone, or neither."""

    entry: Entry | None
    status: int
    lent: Lent | None = None
    keep: Callable[[bytes], None] | None = None

    def claim(self) -> Lent | None:
        """Take the unstored answer; the first caller gets it."""
        lent, self.lent = self.lent, None
        return lent

    def drop(self) -> None:
        """Nobody takes the unstored answer."""
        lent = self.claim()
        if lent is not None:
            lent.drop()


@dataclass(frozen=True, slots=True)
class _Asking:
    """A question on its way, and the epoch in which it was asked."""

    task: asyncio.Task[Learned]
    epoch: int


class Fetcher:
    """Asks, one question per key at a time.

    `part_of` turns the bytes a viewer wants, [first, stop) with stop None for the end, into the
    part worth asking for when nothing is known of the content.
    """

    def __init__(
        self,
        holdings: Holdings,
        fills: Fills,
        origin: Origin,
        storing: Storing,
        part_of: Callable[[int, int | None], tuple[int, int]],
    ) -> None:
        self._holdings = holdings
        self._fills = fills
        self._origin = origin
        self._storing = storing
        self._part_of = part_of
        self._asking: dict[bytes, _Asking] = {}
        self._refreshing: set[asyncio.Task[None]] = set()
        self._uncacheable: TTLCache[bytes, int] = TTLCache(100_000, PASS_SECONDS)

    def is_uncacheable(self, key: bytes, target: bytes) -> bool:
        """Whether the key's answer could not be stored a moment ago, and nothing changed since."""
        epoch = self._uncacheable.get(key)
        return epoch is not None and not self._holdings.epochs.is_past(target, epoch)

    async def learn(
        self,
        key: bytes,
        target: bytes,
        request: Request,
        wanted: tuple[int, int | None] | None,
        on_interim: OnInterim | None,
    ) -> tuple[Learned, bool]:
        """Ask for content nothing is known of; True when another viewer's question served.

        `wanted` are the bytes [first, stop) the viewer begins with, None for everything. Raises
        UpstreamError.
        """
        joined = False
        for _ in range(_VARIANTS_MAX):
            learned, joined = await self._once(
                key, target, lambda: self._learn(target, request, wanted, on_interim)
            )
            if learned.entry is None or not joined:
                return learned, joined
            # The question was another viewer's: its answer may be a variant this one cannot have.
            key = self._holdings.key_of(target, request.fields)
            if learned.entry.key == key:
                return learned, joined
            entry = self._holdings.entries.get(key)
            if entry is not None:
                return Learned(entry, entry.head.status), joined
        return await self._learn(target, request, wanted, on_interim), False

    async def revalidate(self, entry: Entry, target: bytes, request: Request) -> Learned:
        """Ask whether an entry still stands; a new version becomes a new entry.

        Raises UpstreamError.
        """
        learned, joined = await self._once(
            entry.key, target, lambda: self._revalidate(entry, target, request)
        )
        if joined and learned.entry is not None:
            key = self._holdings.key_of(target, request.fields)
            if learned.entry.key != key:
                learned, _ = await self.learn(key, target, request, None, None)
        return learned

    def refresh(self, entry: Entry, target: bytes, request: Request) -> None:
        """Revalidate behind the viewer's back; a failure leaves the entry as it is."""
        if entry.key not in self._asking:
            task = asyncio.ensure_future(self._refresh(entry, target, request))
            self._refreshing.add(task)
            task.add_done_callback(self._refreshing.discard)

    async def close(self) -> None:
        """End all questions."""
        tasks = [*self._refreshing, *(asking.task for asking in self._asking.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _refresh(self, entry: Entry, target: bytes, request: Request) -> None:
        try:
            learned = await self.revalidate(entry, target, request)
        except CinedgeError:
            return
        learned.drop()

    async def _once(
        self, key: bytes, target: bytes, ask: Callable[[], Coroutine[Any, Any, Learned]]
    ) -> tuple[Learned, bool]:
        asking = self._asking.get(key)
        if asking is not None and not self._holdings.epochs.is_past(target, asking.epoch):
            return await asyncio.shield(asking.task), True
        task = asyncio.ensure_future(ask())
        self._asking[key] = _Asking(task, self._holdings.epochs.now)
        task.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(task), False

    def _answered(self, key: bytes, done: asyncio.Task[Learned]) -> None:
        asking = self._asking.get(key)
        if asking is not None and asking.task is done:
            del self._asking[key]
        if not done.cancelled():
            # Every waiter has its own view of the failure; an unwaited one is no news.
            done.exception()

    async def _learn(
        self,
        target: bytes,
        request: Request,
        wanted: tuple[int, int | None] | None,
        on_interim: OnInterim | None,
    ) -> Learned:
        pairs = shared_pairs(request)
        epoch = self._holdings.epochs.now
        for asked in self._parts_to_ask(wanted):
            own = [(b"range", b"bytes=%d-%d" % (asked[0], asked[1] - 1))]
            lent = await self._origin.ask(target, b"GET", pairs, own, on_interim)
            if lent.head.status == 416:
                await lent.discard()
                continue
            learned = await self._take(Question(target, request, pairs, asked, epoch), lent)
            if learned is not None:
                return learned
            break
        lent = await self._origin.ask(target, b"GET", pairs, [], on_interim)
        learned = await self._take(Question(target, request, pairs, None, epoch), lent)
        if learned is None:
            raise UpstreamError("the upstream's answers contradict each other")
        return learned

    def _parts_to_ask(self, wanted: tuple[int, int | None] | None) -> list[tuple[int, int]]:
        """Parts to ask for before everything: the one wanted, else the beginning."""
        if wanted is None:
            return []
        part, beginning = self._part_of(*wanted), self._part_of(0, 1)
        return [part] if part[0] == 0 else [part, beginning]

    async def _take(self, question: Question, lent: Lent) -> Learned | None:
        """Store the answer if that is allowed; None: ask for everything instead."""
        try:
            verdict = self._storing.judge(question, lent)
        except BaseException:
            lent.drop()
            raise
        status = lent.head.status
        match verdict:
            case Keep(entry, start, stop, whole):
                self._fills.spawn(entry, lent, start, stop, whole)
                return Learned(entry, status)
            case Known(entry):
                lent.drop()
                return Learned(entry, status)
            case KeepLater():
                return Learned(
                    None, status, lent, lambda content: self._keep(question, lent, content)
                )
            case PassOn(uncacheable):
                self._note(question, uncacheable)
                return Learned(None, status, lent)
            case AskForAll(uncacheable):
                self._note(question, uncacheable)
                await lent.discard()
                return None

    def _note(self, question: Question, uncacheable: bool) -> None:
        if uncacheable:
            key = self._holdings.key_of(question.target, question.request.fields)
            self._uncacheable[key] = question.epoch

    def _keep(self, question: Question, lent: Lent, content: bytes) -> None:
        self._fills.store(self._storing.adopt(question, lent, len(content)), content)

    async def _revalidate(self, entry: Entry, target: bytes, request: Request) -> Learned:
        pairs = shared_pairs(request)
        epoch = self._holdings.epochs.now
        lent = await self._origin.ask(target, b"GET", pairs, entry.conditions(), None)
        if lent.head.status == 304:
            await lent.discard()
            if entry.replaced:
                # It lost its key meanwhile, and perhaps its blocks.
                return await self._learn(target, request, None, None)
            self._storing.freshen(entry, target, lent, epoch)
            return Learned(entry, 304)
        if lent.head.status >= 500:
            return Learned(None, lent.head.status, lent)
        learned = await self._take(Question(target, request, pairs, None, epoch), lent)
        if learned is None:
            raise UpstreamError("the upstream answered a question nobody asked")
        if learned.entry is None and learned.keep is None:
            self._holdings.remove(entry, MissClass.EXPIRED)
        return learned

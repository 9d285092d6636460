"""Questions to upstreams: the first request for a key, and whether an entry still stands.

One question per key at a time, however many viewers wait; nobody joins a question that was asked
before the content changed. What may be stored becomes an entry and its content is poured into
blocks; what may not goes to the viewer whose question it was, and the others ask for themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Final

from cdnkit.errors import CinedgeError, UpstreamError
from edge.cache.holdings import Holdings
from edge.crowds import Asking, Crowds, Learned, Lent, Says
from edge.entry import Entry
from edge.fill import Fills
from edge.http1.request import Request
from edge.origin import OnInterim, Origin
from edge.question import Question
from edge.storing import AskForAll, Keep, KeepLater, Known, PassOn, Storing
from edge.uncacheable import Uncacheable

__all__ = ["Fetcher", "Learned"]

_BY_HEAD: Final = b"\nHEAD"
"""Tells questions by HEAD from those by GET, which bring content."""
_GONE_MAX: Final = 3
"""Entries of another worker that went while they were asked for, one after the other."""
_VARIANTS_MAX: Final = 3
"""Questions of others a viewer waits for before asking by itself."""


Borrow = Callable[[bytes, Lent], Awaitable[tuple[Entry, int, int] | None]]


class EntryGoneError(Exception):
    """What another worker said it had is gone: ask again."""


class Fetcher:
    """Asks, one question per key at a time.

    `part_of` turns the bytes a viewer wants, [first, stop) with stop None for the end, into the
    part worth asking for when nothing is known of the content. `borrow` takes an entry over from an
    answer of its owner, None when that has gone meanwhile.
    """

    def __init__(
        self,
        holdings: Holdings,
        fills: Fills,
        origin: Origin,
        storing: Storing,
        uncacheable: Uncacheable,
        part_of: Callable[[int, int | None], tuple[int, int]],
        borrow: Borrow | None = None,
    ) -> None:
        self._borrow = borrow
        self._holdings = holdings
        self._fills = fills
        self._origin = origin
        self._storing = storing
        self._uncacheable = uncacheable
        self.part_of = part_of
        self._crowds = Crowds(holdings.epochs)
        self.refreshing: set[asyncio.Task[None]] = set()
        """Questions that no viewer waits for."""

    def is_uncacheable(self, target: bytes, request: Request) -> bool:
        """Whether the like of this could not be stored a moment ago, and nothing changed since."""
        return self._uncacheable.has(target, request.fields)

    async def learn(
        self,
        key: bytes,
        target: bytes,
        request: Request,
        wanted: tuple[int, int | None] | None,
        on_interim: OnInterim | None,
        *,
        exact: bool = False,
        waited_for: Asking | None = None,
        on_asking: Callable[[Asking], None] | None = None,
    ) -> tuple[Learned, bool]:
        """Ask for content nothing is known of; True when another viewer's question served.

        `wanted` are the bytes [first, stop) the viewer begins with, None for everything; `exact`
        says that they are whole blocks with all that goes with them. `waited_for` and `on_asking`
        as `Crowds.ask` has them. Raises UpstreamError.
        """
        joined = False
        await self._holdings.loading.reach_shelf(target)
        for _ in range(_VARIANTS_MAX):
            learned, joined = await self._crowds.ask(
                key,
                target,
                lambda: self._learn(target, request, wanted, on_interim, exact),
                waited_for=waited_for,
                on_asking=on_asking,
            )
            waited_for = on_asking = None
            if learned.says is not None and learned.entry is not None and learned.entry.replaced:
                # Its owner let it go a moment ago, and perhaps its files.
                continue
            if learned.entry is None or not joined:
                return learned, joined
            # The question was another viewer's: its answer may be a variant this one cannot have.
            key = self._holdings.key_of(target, request.fields)
            if learned.entry.key == key:
                return learned, joined
            entry = self._holdings.entries.get(key)
            if entry is not None:
                return Learned(entry, entry.head.status), joined
        return await self._learn(target, request, wanted, on_interim, exact), False

    async def revalidate(
        self, entry: Entry, target: bytes, request: Request, *, patient: bool = True
    ) -> Learned:
        """Ask whether an entry still stands; a new version becomes a new entry.

        Who is not `patient` has no use for a second question after another's has failed. Raises
        UpstreamError.
        """
        await self._holdings.loading.reach_shelf(target)
        if request.method == b"HEAD":
            key, compare = entry.key + _BY_HEAD, partial(self._compare, entry, target, request)
            learned, _ = await self._crowds.ask(key, target, compare, patient=patient)
            return learned
        learned, joined = await self._crowds.ask(
            entry.key,
            target,
            partial(self._revalidate, entry, target, request),
            patient=patient,
        )
        if joined and learned.entry is not None:
            key = self._holdings.key_of(target, request.fields)
            if learned.entry.key != key:
                learned, _ = await self.learn(key, target, request, None, None)
        return learned

    def refresh(self, entry: Entry, target: bytes, request: Request) -> None:
        """Revalidate behind the viewer's back; a failure leaves the entry as it is."""
        if entry.key not in self._crowds:
            task = asyncio.ensure_future(self._refresh(entry, target, request))
            self.refreshing.add(task)
            task.add_done_callback(self.refreshing.discard)

    async def close(self) -> None:
        """End all questions."""
        for task in self.refreshing:
            task.cancel()
        await asyncio.gather(*self.refreshing, self._crowds.close(), return_exceptions=True)

    async def _refresh(self, entry: Entry, target: bytes, request: Request) -> None:
        try:
            learned = await self.revalidate(entry, target, request, patient=False)
        except CinedgeError:
            return
        learned.drop()

    async def _learn(
        self,
        target: bytes,
        request: Request,
        wanted: tuple[int, int | None] | None,
        on_interim: OnInterim | None,
        exact: bool = False,
    ) -> Learned:
        for _ in range(_GONE_MAX):
            try:
                return await self._learn_once(target, request, wanted, on_interim, exact)
            except EntryGoneError:
                continue
        # Replaced faster than it can be borrowed: the asker takes the owner's answer as it comes.
        return Learned(None, HTTPStatus.OK)

    async def _learn_once(
        self,
        target: bytes,
        request: Request,
        wanted: tuple[int, int | None] | None,
        on_interim: OnInterim | None,
        exact: bool,
    ) -> Learned:
        question = Question.about(target, request, self._holdings.epochs.now)
        for asked in self._parts_to_ask(wanted, exact):
            part = question.of_part(asked)
            own = [(b"range", b"bytes=%d-%d" % (asked[0], asked[1] - 1))]
            lent = await self._origin.ask(target, b"GET", part.pairs, own, on_interim, borrows=True)
            if lent.says is not None and lent.says.entry is not None:
                return await self._take_borrowed(question, lent)
            if lent.head.status == 416:
                await lent.discard()
                continue
            learned = await self._take(part, lent)
            if learned is not None:
                return learned
            break
        lent = await self._origin.ask(target, b"GET", question.pairs, [], on_interim, borrows=True)
        if lent.says is not None and lent.says.entry is not None:
            return await self._take_borrowed(question, lent)
        learned = await self._take(question, lent)
        if learned is None:
            raise UpstreamError("the upstream's answers contradict each other")
        return learned

    def _parts_to_ask(
        self, wanted: tuple[int, int | None] | None, exact: bool
    ) -> list[tuple[int, int]]:
        """Parts to ask for before everything: the one wanted, else the beginning."""
        if wanted is None:
            return []
        if exact and wanted[1] is not None and all(map(self._is_edge_of_block, wanted)):
            return [(wanted[0], wanted[1])]
        part, beginning = self.part_of(*wanted), self.part_of(0, 1)
        return [part] if part[0] == 0 else [part, beginning]

    def _is_edge_of_block(self, position: int | None) -> bool:
        return position is not None and self.part_of(position, position + 1)[0] == position

    async def _take(self, question: Question, lent: Lent) -> Learned | None:
        """Store the answer if that is allowed; None: ask for everything instead."""
        if lent.says is not None:
            return await self._pass_on(question, lent, lent.says)
        try:
            verdict = self._storing.judge(question, lent)
        except BaseException:
            lent.drop()
            raise
        status = lent.head.status
        match verdict:
            case Keep(entry, start, stop, whole):
                self._fills.spawn(entry, lent, start, stop, whole)
                return Learned(entry, status, failed_over=lent.failed_over)
            case Known(entry):
                lent.drop()
                return Learned(entry, status, failed_over=lent.failed_over)
            case KeepLater():
                return Learned(
                    None, status, lent, lambda content: self._keep(question, lent, content)
                )
            case PassOn(uncacheable):
                self._note(question, lent, uncacheable)
                return Learned(None, status, lent)
            case AskForAll(uncacheable):
                self._note(question, lent, uncacheable)
                await lent.discard()
                # What is of no use to others is asked for again in the asker's own words.
                return Learned(None, status) if uncacheable else None

    async def _take_borrowed(self, question: Question, lent: Lent) -> Learned:
        """Another worker's entry: known here from now on, its blocks are the owner's files."""
        assert self._borrow is not None
        borrowed = await self._borrow(question.target, lent)
        if borrowed is None:
            lent.drop()
            raise EntryGoneError("the content has changed while it was asked for")
        entry, start, stop = borrowed
        self._storing.believe(entry, question, lent)
        if start < stop:
            self._fills.spawn(entry, lent, start, stop, not entry.is_rangeable)
        else:
            await lent.discard()
        return Learned(entry, lent.head.status, says=lent.says)

    async def _pass_on(self, question: Question, lent: Lent, says: Says) -> Learned | None:
        """Its owner has stored nothing of the answer, so nobody here does."""
        status, passed = lent.head.status, says.is_passed
        self._note(question, lent, passed)
        if question.asked is not None and status in (206, 416):
            await lent.discard()
            return Learned(None, status) if passed else None
        return Learned(None, status, lent, says=says)

    def _note(self, question: Question, lent: Lent, uncacheable: bool) -> None:
        if uncacheable:
            request, epoch = question.request.fields, question.epoch
            self._uncacheable.note(question.target, request, lent.head.fields, epoch)

    def _keep(self, question: Question, lent: Lent, content: bytes) -> None:
        self._fills.store(self._storing.adopt(question, lent, len(content)), content)

    async def _compare(self, entry: Entry, target: bytes, request: Request) -> Learned:
        """What a HEAD tells of an entry: it stands, or it does not (RFC 9111 4.3.5)."""
        question = Question.about(target, request, self._holdings.epochs.now)
        lent = await self._origin.ask(target, b"HEAD", question.pairs, entry.conditions(), None)
        status = lent.head.status
        if status >= 500:
            return Learned(None, status, lent)
        if status == 304 or self._storing.speaks_of(entry, lent):
            await lent.discard()
            if entry.replaced:
                return Learned(None, status)
            if lent.says is None or not lent.says.is_stale:
                self._storing.freshen(entry, target, lent, question.epoch)
            return Learned(entry, status, failed_over=lent.failed_over, says=lent.says)
        self._holdings.replaced(entry)
        return Learned(None, status, lent)

    async def _revalidate(self, entry: Entry, target: bytes, request: Request) -> Learned:
        question = Question.about(target, request, self._holdings.epochs.now)
        conditions = entry.conditions()
        lent = await self._origin.ask(target, b"GET", question.pairs, conditions, borrows=True)
        if lent.says is not None and lent.says.entry is not None:
            try:
                return await self._take_borrowed(question, lent)
            except EntryGoneError:
                return await self._learn(target, request, None, None)
        if lent.head.status == 304:
            await lent.discard()
            if entry.replaced or lent.says is not None:
                # It lost its key meanwhile, and perhaps its blocks.
                return await self._learn(target, request, None, None)
            self._storing.freshen(entry, target, lent, question.epoch)
            return Learned(entry, 304, failed_over=lent.failed_over)
        if lent.head.status >= 500:
            return Learned(None, lent.head.status, lent, says=lent.says)
        learned = await self._take(question, lent)
        if learned is None:
            raise UpstreamError("the upstream answered a question nobody asked")
        if learned.entry is None and learned.keep is None:
            self._holdings.replaced(entry)
        return learned

"""Crowds: one question per key at a time, however many viewers wait for what comes of it.

Nobody joins a question that was asked before the content changed. When one fails, one of those who
waited asks anew and the others go on waiting; after a few failures they are all told, so that a
crowd costs a failing upstream a few questions and not one for every viewer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from cdnkit.errors import UpstreamError
from edge.cache.epochs import Epochs
from edge.entry import Entry
from edge.upstream.failures import failed_with, is_passing_failure, is_worth_another
from edge.upstream.lent import Lent, Says

__all__ = ["Asking", "Crowds", "Learned", "Lent", "Says"]

_FAILURES_MAX: Final = 3
"""Failed questions of others a viewer waits out before it is told of the failure."""


@dataclass(slots=True)
class Learned:
    """What came of a question: an entry, or an answer for the asker alone, or neither."""

    entry: Entry | None
    status: int
    lent: Lent | None = None
    keep: Callable[[bytes], None] | None = None
    failed_over: bool = False
    says: Says | None = None
    """What the owner says of it, when that is another worker of this box."""

    def claim(self) -> Lent | None:
        """Take the unstored answer; the first caller gets it."""
        lent, self.lent = self.lent, None
        return lent

    def drop(self) -> None:
        """Nobody takes the unstored answer."""
        lent = self.claim()
        if lent is not None:
            lent.drop()

    def failure(self) -> UpstreamError | None:
        """What to tell those who waited for the answer when it tells of a failure."""
        return failed_with(self.status) if self.status >= 500 else None


class Asking:
    """A question on its way, and the epoch in which it was asked.

    It belongs to nobody who waits: it goes on when one leaves. Those who wait are told as its last
    step: by `asyncio.shield` they would learn of it a turn of the loop later, behind what the
    upstream sends next.
    """

    __slots__ = ("_on_end", "_waiting", "epoch", "task")

    def __init__(
        self,
        ask: Callable[[], Coroutine[Any, Any, Learned]],
        epoch: int,
        on_end: Callable[[Asking], None],
    ) -> None:
        """`on_end` is called before anybody is told: who asks again is not to join this one."""
        self.epoch = epoch
        self._waiting: list[asyncio.Future[Learned]] = []
        self._on_end = on_end
        self.task = asyncio.ensure_future(self._ask(ask))
        # Also where it is cancelled before its first step; and an unwaited failure is no news.
        self.task.add_done_callback(self._ended)

    async def answer(self) -> Learned:
        """Wait for what comes of it. Raises UpstreamError."""
        if self.task.done():
            return self.task.result()
        waiting: asyncio.Future[Learned] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        return await waiting

    async def _ask(self, ask: Callable[[], Coroutine[Any, Any, Learned]]) -> Learned:
        try:
            learned = await ask()
        except Exception as error:
            for waiting in self._end():
                waiting.set_exception(error)
            raise
        for waiting in self._end():
            waiting.set_result(learned)
        return learned

    def _end(self) -> list[asyncio.Future[Learned]]:
        self._on_end(self)
        return [waiting for waiting in self._waiting if not waiting.done()]

    def _ended(self, task: asyncio.Task[Learned]) -> None:
        if task.cancelled() or task.exception() is not None:
            for waiting in self._end():
                waiting.cancel()


class Crowds:
    """The questions of one worker that are on their way."""

    def __init__(self, epochs: Epochs) -> None:
        self._epochs = epochs
        self._asking: dict[bytes, Asking] = {}

    def __contains__(self, key: bytes) -> bool:
        return key in self._asking

    async def ask(
        self,
        key: bytes,
        target: bytes,
        ask: Callable[[], Coroutine[Any, Any, Learned]],
        *,
        patient: bool = True,
        waited_for: Asking | None = None,
        on_asking: Callable[[Asking], None] | None = None,
    ) -> tuple[Learned, bool]:
        """Ask, or wait for who asks already (True).

        Who is not `patient` has no use for a second question after another's has failed. Who has
        `waited_for` a question elsewhere goes on from what came of it. `on_asking` is told of each
        question that this one waits for. Raises UpstreamError.
        """
        failures, failures_max = 0, _FAILURES_MAX if patient else 1
        while asking := waited_for or self._current(key, target):
            waited_for = None
            failures += 1
            is_last = failures >= failures_max
            if on_asking is not None:
                on_asking(asking)
            try:
                learned = await asking.answer()
            except UpstreamError as error:
                if is_last or not is_worth_another(error):
                    raise
                continue
            if not is_last and learned.entry is None and is_passing_failure(learned.status):
                continue
            # An answer that is not stored is its asker's, however early that one left.
            return Learned(learned.entry, learned.status, failed_over=learned.failed_over), True
        asking = Asking(ask, self._epochs.now, partial(self._ended, key))
        self._asking[key] = asking
        if on_asking is not None:
            on_asking(asking)
        return await asking.answer(), False

    def _current(self, key: bytes, target: bytes) -> Asking | None:
        """The question that may be joined."""
        asking = self._asking.get(key)
        if asking is None or self._epochs.is_past(target, asking.epoch):
            return None
        return asking

    def _ended(self, key: bytes, asking: Asking) -> None:
        if self._asking.get(key) is asking:
            del self._asking[key]

    async def close(self) -> None:
        """End all questions."""
        tasks = [asking.task for asking in self._asking.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

"""The links of one worker to all others of its box, and changes that count once all have made them.

A worker follows every other: on that link the other, as an owner, tells what changed in what it
lent, in order. A change (an object was purged, nothing may be trusted) is given to every worker;
each makes it, lets its followers come so far, and confirms; one that is down does when it is back.
Who has not confirmed in time is not waited for until it has: it serves nothing unasked meanwhile
(`edge.box.abreast`). So whoever waits for a change knows that no worker will serve what was before.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

import structlog

from cdnkit.service.lasting import lasting
from edge.box.abreast import CHANGES, WORDS, Abreast
from edge.box.link import Link, Message
from edge.box.sockets import Sockets

Change = list[Any]
"""A word and its arguments, JSON values only; `make_change` knows the words."""

_RETRY_SECONDS: Final = 0.05
CONFIRM_SECONDS_MAX: Final = 2.0
"""How long a change waits for a worker, which confirms within a millisecond unless it is stopped.
"""
_PASS_SECONDS_MAX: Final = 1.0
"""How long a worker's word waits for a borrower: less, or it would hold up all changes."""
_UNCONFIRMED_MAX: Final = 1_000
"""Changes kept for one worker; more of them become one, by which nothing held is trusted."""
EVERYTHING: Final[Change] = ["everything"]
_MEET_SECONDS: Final = 5.0
"""Workers start together: who served before the others are there would fetch what they hold."""


class Neighbours:
    """Call `start` once this worker can make changes. `make_change` makes one here.

    `on_follower(link, kind, arguments)` gets what a follower says of what it borrowed,
    `on_owner` what an owner says of what it lent; `on_up(owner)`, `on_down(owner)` and
    `on_left(follower)` the comings and goings.
    """

    def __init__(
        self,
        number: int,
        sockets: Sockets,
        make_change: Callable[[Change], None],
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.number = number
        self.workers = sockets.workers
        self.followed: dict[int, Link] = {}
        self.followers: dict[int, Link] = {}
        self.on_follower: Callable[[Link, str, Message], None]
        self.on_owner: Callable[[Link, str, Message], None]
        self.on_up: Callable[[int], None]
        self.on_down: Callable[[int], None]
        self.on_left: Callable[[int], None]
        self.abreast = Abreast(number, sockets.given_up)
        self._sockets = sockets
        self._make_change = make_change
        self._log = structlog.get_logger("edge.box")
        # By the time: a former life may have counted further than anybody has heard.
        self._changes = self._words = clock()
        self._unconfirmed: dict[int, dict[int, tuple[Change, asyncio.Future[None]]]] = {
            other: {} for other in self.others
        }
        self._passing: dict[Link, dict[int, asyncio.Future[None]]] = {}
        # Who was waited for in vain, and has not caught up since.
        self._late: set[int] = set()
        self._late_borrowers: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._closing = False
        self._all_met = asyncio.Event()
        self._links: set[Link] = set()

    @property
    def others(self) -> list[int]:
        """The numbers of all other workers."""
        return [number for number in range(self.workers) if number != self.number]

    async def start(self) -> None:
        """Take followers and follow the others; returns when all are met, or some have not come."""
        talk, requests = self._sockets.of(self.number)
        requests.close()
        self._server = await asyncio.get_running_loop().create_unix_server(
            lambda: self._new_link(self._hear_follower, self._follower_left), sock=talk
        )
        for other in self.others:
            self._spawn(lasting(f"worker {other}", partial(self._follow, other)))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_MEET_SECONDS):
                await self._all_met.wait()

    async def close(self) -> None:
        """End all links."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            self._server.close()
        for link in list(self._links):
            link.close()

    def everywhere(self, change: Change) -> asyncio.Task[None]:
        """Make a change in every worker; done when nobody serves what was before it."""
        self._make_change(change)
        self._changes += 1
        waits = {other: self._confirmation(other, change) for other in self.others}
        return self._spawn(self._made_everywhere(self._pass_followers(), waits, self._changes))

    async def passed(self) -> None:
        """Return once every follower has heard what was said up to now, or is gone."""
        await asyncio.gather(*self._pass_followers().values())

    def unconfirmed(self) -> int:
        """Changes that some worker has not confirmed yet."""
        return sum(map(len, self._unconfirmed.values()))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _made_everywhere(
        self,
        passing: dict[Link, asyncio.Future[None]],
        confirmed: dict[int, asyncio.Future[None]],
        count: int,
    ) -> None:
        await self._come_so_far(passing, self._words)
        awaited = [each for other, each in confirmed.items() if other not in self._late]
        if awaited:
            await asyncio.wait(awaited, timeout=CONFIRM_SECONDS_MAX)
        late = {other for other, each in confirmed.items() if not each.done()}
        if late:
            self.abreast.give_up(CHANGES, count)
        if late - self._late:
            self._log.warning("workers are late", workers=sorted(late - self._late))
            self._late |= late

    async def _come_so_far(self, passing: dict[Link, asyncio.Future[None]], count: int) -> None:
        """Wait for followers to hear what was said, but for those that do not come."""
        awaited = [each for link, each in passing.items() if link not in self._late_borrowers]
        if awaited:
            await asyncio.wait(awaited, timeout=_PASS_SECONDS_MAX)
        late = {link for link, each in passing.items() if not each.done()}
        if late:
            self.abreast.give_up(WORDS, count)
            self._late_borrowers |= late

    def _new_link(
        self, hear: Callable[[Link, Message], None], left: Callable[[Link], None]
    ) -> Link:
        link = Link(hear, left)
        self._links.add(link)
        return link

    async def _follow(self, other: int) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                _, link = await loop.create_unix_connection(
                    lambda: self._new_link(self._hear_owner, self._owner_left),
                    self._sockets.talk_path(other),
                )
            except OSError:
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            link.worker = other
            link.send("follow", self.number)
            # While the other is being started, its socket keeps us waiting here.
            await link.lost

    # as a follower

    def _hear_owner(self, link: Link, message: Message) -> None:
        kind, *rest = message
        if kind == "hello":
            self.followed[link.worker] = link
            self.on_up(link.worker)
            if len(self.followed) == len(self.others):
                self._all_met.set()
            self.abreast.heard(link.worker, WORDS, rest[0])
            for count, (change, _) in self._unconfirmed[link.worker].items():
                link.send("make", count, change)
            link.send("abreast", self._changes)
        elif kind == "pass":
            self.abreast.heard(link.worker, WORDS, rest[0])
            link.send("passed", rest[0])
        elif kind == "made":
            self._confirmed(link.worker, rest[0])
        else:
            self.on_owner(link, kind, rest)

    def _owner_left(self, link: Link) -> None:
        self._links.discard(link)
        if self.followed.get(link.worker) is link:
            del self.followed[link.worker]
            if not self._closing:
                self._log.warning("worker lost", worker=link.worker)
            self.on_down(link.worker)

    def _confirmation(self, other: int, change: Change) -> asyncio.Future[None]:
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        unconfirmed = self._unconfirmed[other]
        if len(unconfirmed) >= _UNCONFIRMED_MAX:
            # Nobody waits for those any more: whoever did has published that they are late.
            unconfirmed.clear()
            change = EVERYTHING
        unconfirmed[self._changes] = change, confirmed
        link = self.followed.get(other)
        if link is not None:
            link.send("make", self._changes, change)
        return confirmed

    def _confirmed(self, other: int, count: int) -> None:
        _, confirmed = self._unconfirmed[other].pop(count, (None, None))
        if confirmed is not None and not confirmed.done():
            confirmed.set_result(None)
        if not self._unconfirmed[other]:
            self._late.discard(other)

    # as an owner

    def _hear_follower(self, link: Link, message: Message) -> None:
        kind, *rest = message
        if kind == "follow":
            self._take_follower(link, rest[0])
        elif kind == "make":
            count, change = rest
            self._make_change(change)
            self.abreast.heard(link.worker, CHANGES, count)
            self._spawn(self._confirm(link, count, self._pass_followers()))
        elif kind == "abreast":
            self.abreast.heard(link.worker, CHANGES, rest[0])
        elif kind == "passed":
            self._has_passed(link, rest[0])
        else:
            self.on_follower(link, kind, rest)

    def _take_follower(self, link: Link, worker: int) -> None:
        before = self.followers.get(worker)
        if before is not None:
            before.close()
            self._follower_left(before)
        link.worker = worker
        self.followers[worker] = link
        if not self.abreast.meets(worker):
            # What had changed in its former life is known to nobody any more.
            self._make_change(EVERYTHING)
        link.send("hello", self._words)

    def _follower_left(self, link: Link) -> None:
        self._links.discard(link)
        self._late_borrowers.discard(link)
        for passed in self._passing.pop(link, {}).values():
            if not passed.done():
                passed.set_result(None)
        if self.followers.get(link.worker) is link:
            del self.followers[link.worker]
            self.on_left(link.worker)

    def _has_passed(self, link: Link, count: int) -> None:
        passing = self._passing.get(link, {})
        passed = passing.pop(count, None)
        if passed is not None and not passed.done():
            passed.set_result(None)
        if not passing:
            self._late_borrowers.discard(link)

    async def _confirm(
        self, link: Link, count: int, passing: dict[Link, asyncio.Future[None]]
    ) -> None:
        await self._come_so_far(passing, self._words)
        link.send("made", count)

    def _pass_followers(self) -> dict[Link, asyncio.Future[None]]:
        """Done when a follower has heard what was said up to now, or is gone."""
        passing: dict[Link, asyncio.Future[None]] = {}
        self._words += 1
        for link in self.followers.values():
            passed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._passing.setdefault(link, {})[self._words] = passed
            link.send("pass", self._words)
            passing[link] = passed
        return passing

"""Turns posted events into deliveries and brings those that are due, until it is stopped.

Decides who does what when several processes share the database: an event is spread in the
transaction that takes it, a delivery is held for a while by one process before it is sent. So each
is sent once, but for one case: when a process or a mail server dies between taking a message and
saying so, the message is sent again after the hold, under the same name (`mail.message_id`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cdnkit.errors import UnavailableError
from cdnkit.service.metrics import Telemetry
from config.service import Notifications
from origin.catalog import outbox
from origin.catalog.database import Database
from origin.domains.notifications import deliveries, queries
from origin.domains.notifications.deliveries import Delivery
from origin.domains.notifications.kinds import KINDS, Channel
from origin.domains.notifications.rules import Outcome, State, after_attempt

LIMIT: Final = 16
"""Events and deliveries of one round; as many mails leave side by side."""
EVENTS_KEPT_SECONDS: Final = 7 * 86400.0
"""How long the keys of told events are remembered beyond inbox and deliveries."""
_TIDY_SECONDS: Final = 3600.0
_HOLD_SHARE: Final = 0.8
"""Of the hold: an attempt has ended, or was given up, before somebody else may begin."""
_LAST_WORDS_SECONDS: Final = 5.0

Bring = Callable[[Delivery], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class World:
    """What a notifier has from outside: time, chance, names, and where failures are told."""

    now: Callable[[], float]
    chance: Callable[[], float]
    make_id: Callable[[], str]
    report: Callable[[str], None]


class Notifier:
    """The work of one process. `bringers` are the channels that are on, besides the inbox."""

    def __init__(
        self,
        database: Database,
        settings: Notifications,
        bringers: Mapping[Channel, Bring],
        world: World,
        telemetry: Telemetry,
    ) -> None:
        self._database = database
        self._settings = settings
        self._bringers = bringers
        self._world = world
        self._offered = frozenset({Channel.INBOX, *bringers})
        self._count = telemetry.counter(
            "cinedge_notifications_total",
            "Attempts to bring a message, by how they ended.",
            ("channel", "outcome"),
        )
        self._untold: set[str] = set()
        self._tidied_at = 0.0

    async def run(self) -> None:
        """Work until cancelled; a database that is away is reported once and awaited."""
        is_away = False
        while True:
            busy = False
            try:
                busy = await self.round()
                is_away = False
            except UnavailableError as error:
                if not is_away:
                    self._world.report(f"nobody is notified: {error.detail}")
                is_away = True
            if not busy:
                await asyncio.sleep(self._settings.look_seconds)

    async def round(self) -> bool:
        """Spread what was posted and bring what is due; whether there may be more."""
        spread = await self._spread()
        held, holder = await self._hold()
        if held:
            await self._bring_to_the_end(held, holder)
        await self._tidy()
        return max(spread, len(held)) == LIMIT

    async def _spread(self) -> int:
        async with self._database.reading() as connection:
            if not await outbox.waiting(connection, 1):
                return 0
        now = self._world.now()
        async with self._database.begin() as connection:
            events = await outbox.waiting(connection, LIMIT)
            for posted in events:
                if await outbox.take(connection, posted.number, now):
                    await deliveries.spread(connection, posted, self._offered, now)
                self._note_kind(posted.event.kind)
        return len(events)

    def _note_kind(self, kind: str) -> None:
        if kind not in KINDS and kind not in self._untold:
            self._untold.add(kind)
            self._world.report(f"events of the kind {kind!r} are told nobody")

    async def _hold(self) -> tuple[Sequence[Delivery], str]:
        now, holder = self._world.now(), self._world.make_id()
        async with self._database.reading() as connection:
            if not await deliveries.any_due(connection, now):
                return (), holder
        async with self._database.begin() as connection:
            until = now + self._settings.hold_seconds
            return await deliveries.hold(connection, holder, now, until, LIMIT), holder

    async def _bring_to_the_end(self, held: Sequence[Delivery], holder: str) -> None:
        """A shutdown waits a little: what is half sent now would be sent again later."""
        work = asyncio.gather(*(self._attempt(each, holder) for each in held))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work], timeout=_LAST_WORDS_SECONDS)
            work.cancel()
            raise

    async def _attempt(self, delivery: Delivery, holder: str) -> None:
        outcome = await self._outcome(delivery)
        following = after_attempt(
            outcome,
            delivery.attempts + 1,
            self._settings.attempts_max,
            self._settings.retry_seconds,
            delivery.lapses_at,
            self._world.now(),
            self._world.chance(),
        )
        async with self._database.begin() as connection:
            is_ours = await deliveries.settle(connection, delivery, holder, following)
        ended = "retried" if following.state is State.WAITING else following.state
        self._count.labels(delivery.channel, ended if is_ours else "overtaken").inc()
        if following.state is State.FAILED:
            self._world.report(f"{delivery.kind} by {delivery.channel}: {following.reason}")

    async def _outcome(self, delivery: Delivery) -> Outcome:
        if delivery.lapses_at <= self._world.now():
            return Outcome("too late", is_final=True)
        bring = self._bringers.get(delivery.channel)
        if bring is None:
            return Outcome(f"{delivery.channel} is off here")
        try:
            async with asyncio.timeout(self._settings.hold_seconds * _HOLD_SHARE):
                return await bring(delivery)
        except TimeoutError:
            return Outcome("took too long")
        except UnavailableError as error:
            return Outcome(error.detail)
        except Exception as error:  # one message that cannot be made must not stop the others
            return Outcome(f"failed: {type(error).__name__}")

    async def _tidy(self) -> None:
        now = self._world.now()
        if now - self._tidied_at < _TIDY_SECONDS:
            return
        self._tidied_at = now
        async with self._database.begin() as connection:
            await queries.forget_before(connection, now - self._settings.keep_seconds)
            await outbox.forget_taken(connection, now - EVENTS_KEPT_SECONDS)

"""Puts the notifications together from the settings, and says once which channels are off."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from cdnkit.errors import UnavailableError
from cdnkit.service.lasting import lasting
from cdnkit.service.metrics import Telemetry
from config.service import Mail, Push, Service
from origin.catalog.database import Database
from origin.domains.notifications.channels import FindContact, Postman, Pusher, Surface
from origin.domains.notifications.feed import Feed
from origin.domains.notifications.handlers import Handlers
from origin.domains.notifications.kinds import Channel
from origin.domains.notifications.mail import Sender
from origin.domains.notifications.notifier import Bring, Notifier, World
from origin.domains.notifications.push import PushService
from origin.domains.notifications.smtp import MailServer
from origin.domains.notifications.stream import InboxStream


@dataclass(frozen=True, slots=True)
class Notifications:
    """The domain: its routes, its work in the background, and letting its streams go."""

    handlers: Handlers
    stream: InboxStream
    notifier: Notifier
    feed: Feed

    def routes(self) -> Sequence[web.RouteDef]:
        """What to mount."""
        return [*self.stream.routes(), *self.handlers.routes()]

    async def run(self) -> None:
        """Bring messages and follow inboxes until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(lasting("notifier", self.notifier.run))
            tasks.create_task(lasting("inbox feed", self.feed.run))

    def let_go(self) -> None:
        """End the streams."""
        self.feed.close()


def open_notifications(
    service: Service,
    database: Database,
    site_url: str,
    find_contact: FindContact,
    telemetry: Telemetry,
    report: Callable[[str], None],
    now: Callable[[], float],
) -> Notifications:
    """The domain as the settings want it."""
    settings = service.notifications
    surface = Surface(database, find_contact, site_url, _make_token)
    pushes = _open_push(service.push, report, now)
    bringers = _bringers(surface, service.mail, pushes)
    world = World(now, random.random, _make_id, report)
    feed = Feed(database, settings.look_seconds, report)
    return Notifications(
        handlers=Handlers(
            database,
            site_url,
            pushes,
            now,
            _make_id,
        ),
        stream=InboxStream(database, feed, site_url, settings.heartbeat_seconds),
        notifier=Notifier(database, settings, bringers, world, telemetry),
        feed=feed,
    )


def _bringers(
    surface: Surface, mail: Mail | None, pushes: PushService | None
) -> dict[Channel, Bring]:
    found: dict[Channel, Bring] = {}
    if mail is not None:
        sender = Sender(mail.sender, mail.sender_name)
        found[Channel.MAIL] = Postman(surface, MailServer(mail), sender).bring
    if pushes is not None:
        found[Channel.PUSH] = Pusher(surface, pushes).bring
    return found


def _open_push(
    settings: Push | None, report: Callable[[str], None], now: Callable[[], float]
) -> PushService | None:
    """A channel that cannot work is off: messages have others."""
    if settings is None:
        return None
    try:
        return PushService(settings, now)
    except UnavailableError as error:
        report(f"nobody is told by push: {error.detail}")
        return None


def _make_id() -> str:
    return secrets.token_urlsafe(12)


def _make_token() -> str:
    return secrets.token_urlsafe(24)

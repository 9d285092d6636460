"""What it takes to bring a delivery by mail or push: the address, the words, the hand-over.

Joins rows with `mail`, `smtp` and `push`; decides that somebody without an address, or a device
that is gone, cannot be reached at all. How it went is told, not acted on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.database import Database
from origin.domains.notifications import queries
from origin.domains.notifications.deliveries import Delivery
from origin.domains.notifications.kinds import KINDS, Channel
from origin.domains.notifications.mail import BadAddressError, Letter, Sender, compose
from origin.domains.notifications.push import PushService
from origin.domains.notifications.rules import Outcome
from origin.domains.notifications.smtp import MailServer
from origin.domains.notifications.words import word

UNSUBSCRIBE_PATH: Final = "/v1/notifications/unsubscribe"


@dataclass(frozen=True, slots=True)
class Contact:
    """How an account is reached. `language` is a BCP 47 tag or empty."""

    email: str
    language: str = ""


FindContact = Callable[[AsyncConnection, str], Awaitable[Contact | None]]
"""Given by the accounts: who an account is; None for one that is gone."""


@dataclass(frozen=True, slots=True)
class Surface:
    """What every message needs: rows, people, and where the site is."""

    database: Database
    find_contact: FindContact
    site_url: str
    make_token: Callable[[], str]


class Postman:
    """Brings mails."""

    def __init__(self, surface: Surface, server: MailServer, sender: Sender) -> None:
        self._surface = surface
        self._server = server
        self._sender = sender

    async def bring(self, delivery: Delivery) -> Outcome:
        """One attempt. Raises UnavailableError when the database does not answer."""
        surface = self._surface
        async with surface.database.begin() as connection:
            contact = await surface.find_contact(connection, delivery.account)
            if contact is None:
                return Outcome("the account has no address", is_final=True)
            unsubscribe_url = await self._unsubscribe_url(connection, delivery)
        words = word(delivery.kind, contact.language, delivery.payload, surface.site_url)
        letter = Letter(
            delivery.event_key, contact.email, contact.language, words, delivery.at, unsubscribe_url
        )
        try:
            message = compose(letter, self._sender)
        except BadAddressError as error:
            return Outcome(str(error), is_final=True)
        return await self._server.send(message, contact.email)

    async def _unsubscribe_url(self, connection: AsyncConnection, delivery: Delivery) -> str:
        if Channel.MAIL in KINDS[delivery.kind].fixed:
            return ""
        fresh = self._surface.make_token()
        token = await queries.unsubscribe_token(connection, delivery.account, fresh)
        query = f"token={quote(token)}&kind={quote(delivery.kind)}"
        return f"{self._surface.site_url}{UNSUBSCRIBE_PATH}?{query}"


class Pusher:
    """Brings pushes, and forgets devices that are gone."""

    def __init__(self, surface: Surface, service: PushService) -> None:
        self._surface = surface
        self._service = service

    async def bring(self, delivery: Delivery) -> Outcome:
        """One attempt. Raises UnavailableError when the database does not answer."""
        surface = self._surface
        async with surface.database.reading() as connection:
            device = await queries.find_device(connection, delivery.target)
            contact = await surface.find_contact(connection, delivery.account)
        if device is None or device.account != delivery.account:
            return Outcome("the device is gone", is_final=True)
        language = contact.language if contact else ""
        words = word(delivery.kind, language, delivery.payload, surface.site_url)
        outcome, is_gone = await self._service.send(device, words, delivery.event_key)
        if is_gone:
            async with surface.database.begin() as connection:
                await queries.remove_device(connection, device.id, device.account)
        return outcome

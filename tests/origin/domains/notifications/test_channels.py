"""A delivery becomes a mail to its account's address, or a push to its device."""

from __future__ import annotations

import time
from itertools import count

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from config.service import Mail, Push
from origin.catalog.database import Database
from origin.domains.notifications import queries
from origin.domains.notifications.channels import Contact, Postman, Pusher, Surface
from origin.domains.notifications.deliveries import Delivery
from origin.domains.notifications.kinds import Channel
from origin.domains.notifications.mail import Sender
from origin.domains.notifications.push import PushService
from origin.domains.notifications.queries import Device
from origin.domains.notifications.rules import SENT
from origin.domains.notifications.smtp import MailServer
from tests.helpers import push_service
from tests.helpers.mail_server import mail_server
from tests.helpers.push_service import make_vapid_key

SITE = "https://films.example"
CONTACTS = {"anna": Contact("anna@example.org", "de"), "bad": Contact("no address")}


async def find_contact(_connection: AsyncConnection, account: str) -> Contact | None:
    return CONTACTS.get(account)


@pytest.fixture
def surface(database: Database) -> Surface:
    numbers = count(1)
    return Surface(database, find_contact, SITE, lambda: f"token-{next(numbers)}")


def delivery(kind: str, account: str = "anna", target: str = "") -> Delivery:
    channel = Channel.PUSH if target else Channel.MAIL
    return Delivery("k1", channel, target, account, kind, {"link": f"{SITE}/#/verify"}, 1.0, 0)


async def test_mail_goes_to_the_accounts_address_in_its_language(surface: Surface) -> None:
    async with mail_server() as server:
        settings = Mail("127.0.0.1", "films@films.example", server.port, "none")
        postman = Postman(surface, MailServer(settings), Sender(settings.sender))
        assert await postman.bring(delivery("account.verify")) == SENT
        assert await postman.bring(delivery("account.welcome")) == SENT
        gone = await postman.bring(delivery("account.welcome", "nobody"))
        bad = await postman.bring(delivery("account.welcome", "bad"))
    (_, verify), (_, welcome) = server.mails
    assert verify["Subject"] == "Bestätigen Sie Ihre Adresse"
    assert verify["List-Unsubscribe"] is None
    assert welcome["List-Unsubscribe"] == (
        f"<{SITE}/v1/notifications/unsubscribe?token=token-1&kind=account.welcome>"
    )
    assert gone.is_final
    assert bad.is_final


async def test_device_that_is_gone_is_forgotten(database: Database, surface: Surface) -> None:
    settings = Push("mailto:films@films.example", make_vapid_key(), "", ("127.0.0.1",))
    pusher = Pusher(surface, PushService(settings, time.time))
    async with push_service.push_service() as service:
        service.answers = [201, 410]
        keys = service.subscription["keys"]
        device = Device("d1", "anna", service.url, keys["p256dh"], keys["auth"])
        async with database.begin() as connection:
            await queries.add_device(connection, device, 1.0)
        push = delivery("title.added", target="d1")
        assert await pusher.bring(push) == SENT
        assert (await pusher.bring(push)).is_final
        assert (await pusher.bring(push)).error == "the device is gone"
    assert len(service.received) == 1

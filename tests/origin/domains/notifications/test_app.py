"""From an event to mail, push and inbox by the domain as the settings open it."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import ClientSession
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.service.metrics import Telemetry
from config.service import Mail, Notifications, Push, Service
from origin.catalog import outbox
from origin.catalog.database import Database
from origin.catalog.outbox import Event
from origin.domains.notifications.app import open_notifications
from origin.domains.notifications.channels import Contact
from tests.helpers.domain_app import running_domain
from tests.helpers.mail_server import mail_server
from tests.helpers.push_service import make_vapid_key, push_service

ANNA = {"X-Viewer": "anna"}
QUICK = Notifications(look_seconds=0.01, heartbeat_seconds=0.1)


async def find_contact(_connection: AsyncConnection, account: str) -> Contact:
    return Contact(f"{account}@example.org")


def opened(database: Database, service: Service, told: list[str]) -> Any:
    counts = Telemetry("origin", "test")
    return open_notifications(
        service, database, "https://films.example", find_contact, counts, told.append, time.time
    )


async def stream_has(client: ClientSession, title: str) -> bool:
    async with client.get("/v1/inbox/stream?after=0", headers=ANNA) as answer:
        async for line in answer.content:
            if line.startswith(b"data: "):
                return title in line.decode()
    return False


async def test_event_reaches_inbox_mail_and_device(database: Database) -> None:
    told: list[str] = []
    async with mail_server() as server, push_service() as service:
        mail = Mail("127.0.0.1", "films@films.example", server.port, "none")
        push = Push("mailto:films@films.example", make_vapid_key(), "", ("127.0.0.1",))
        settings = Service(notifications=QUICK, mail=mail, push=push)
        domain = opened(database, settings, told)
        async with running_domain(domain) as client:
            async with client.post("/v1/push", json=service.subscription, headers=ANNA) as answer:
                assert answer.status == 201
            async with database.begin() as connection:
                event = Event("k1", "account.new_device", "anna", {"device": "TV"})
                await outbox.post(connection, event, time.time())
            assert await stream_has(client, "A new device")
            await server.arrived.wait()
    assert [to for to, _ in server.mails] == ["anna@example.org"]
    assert [each["title"] for each in service.received] == ["A new device"]
    assert told == []


async def test_channel_that_cannot_work_is_off_and_named_once(database: Database) -> None:
    told: list[str] = []
    push = Push("mailto:films@films.example", "no key", "", ())
    domain = opened(database, Service(notifications=QUICK, push=push), told)
    assert told == ["nobody is told by push: the key of pushes is no VAPID key (RFC 8292)"]
    async with running_domain(domain) as client, client.get("/v1/push/key") as answer:
        assert answer.status == 404

"""Events are told once: with refusals, several processes, deaths in the middle, and too late."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import UnavailableError
from cdnkit.service.metrics import Telemetry
from config.service import Mail, Notifications
from origin.catalog import outbox
from origin.catalog.database import Database, open_database, parse_database_url
from origin.catalog.outbox import Event
from origin.domains.notifications import deliveries
from origin.domains.notifications.channels import Contact, Postman, Surface
from origin.domains.notifications.deliveries import Delivery
from origin.domains.notifications.kinds import Channel
from origin.domains.notifications.mail import Sender
from origin.domains.notifications.notifier import Bring, Notifier, World
from origin.domains.notifications.rules import SENT, Outcome, State
from origin.domains.notifications.smtp import MailServer
from tests.helpers import mail_server
from tests.helpers.clock import FakeClock
from tests.helpers.mail_server import DIE

SETTINGS = Notifications(look_seconds=0.01, hold_seconds=60.0, attempts_max=3, retry_seconds=10.0)
SITE = "https://films.example"


async def find_contact(_connection: AsyncConnection, account: str) -> Contact:
    return Contact(f"{account}@example.org")


class Told(list[str]):
    """Failures that were reported."""

    def __call__(self, message: str) -> None:
        self.append(message)


def notifier_of(
    database: Database,
    bring: Bring | int,
    clock: Callable[[], float],
    report: Callable[[str], None] = print,
    telemetry: Telemetry | None = None,
) -> Notifier:
    """A notifier that brings mails by `bring`, or to the mail server at a port."""
    if isinstance(bring, int):
        mail = Mail("127.0.0.1", "films@films.example", bring, "none", timeout_seconds=5)
        surface = Surface(database, find_contact, SITE, lambda: "token-of-account")
        bring = Postman(surface, MailServer(mail), Sender(mail.sender)).bring
    numbers = iter(range(10**6))
    world = World(clock, lambda: 0.0, lambda: f"{id(database)}-{next(numbers)}", report)
    counts = telemetry or Telemetry("origin", "test")
    return Notifier(database, SETTINGS, {Channel.MAIL: bring}, world, counts)


async def post(database: Database, *keys: str, kind: str = "account.welcome") -> None:
    async with database.begin() as connection:
        for key in keys:
            await outbox.post(connection, Event(key, kind, "anna"), 1_800_000_000.0)


async def states(database: Database, key: str) -> list[tuple[str, State]]:
    async with database.reading() as connection:
        return list(await deliveries.states_of(connection, key))


async def test_mail_that_was_refused_is_sent_after_a_while_and_once(database: Database) -> None:
    clock, telemetry = FakeClock(), Telemetry("origin", "test")
    async with mail_server.mail_server("451 later") as server:
        notifier = notifier_of(database, server.port, clock, telemetry=telemetry)
        await post(database, "k1")
        await notifier.round()
        assert await states(database, "k1") == [("mail", State.WAITING)]
        clock.advance(4.9)
        await notifier.round()
        assert server.mails == []
        clock.advance(0.1)
        await notifier.round()
        await notifier.round()
    assert await states(database, "k1") == [("mail", State.SENT)]
    assert len(server.mails) == 1
    name = "cinedge_notifications_total"
    assert telemetry.value(name, channel="mail", outcome="retried") == 1
    assert telemetry.value(name, channel="mail", outcome="sent") == 1


async def test_delivery_is_given_up_after_its_last_attempt(database: Database) -> None:
    clock, told, telemetry = FakeClock(), Told(), Telemetry("origin", "test")
    async with mail_server.mail_server(*["451 later"] * 9) as server:
        notifier = notifier_of(database, server.port, clock, told, telemetry)
        await post(database, "k1")
        for _ in range(5):
            await notifier.round()
            clock.advance(100)
        assert len(server.answers) == 6
    assert await states(database, "k1") == [("mail", State.FAILED)]
    assert told == ["account.welcome by mail: the mail server said 451"]
    assert telemetry.value("cinedge_notifications_total", channel="mail", outcome="failed") == 1


async def test_mail_of_a_server_that_dies_is_repeated_under_the_same_name(
    database: Database,
) -> None:
    clock = FakeClock()
    async with mail_server.mail_server(DIE) as server:
        notifier = notifier_of(database, server.port, clock)
        await post(database, "k1")
        await notifier.round()
        clock.advance(10)
        await notifier.round()
    (_, first), (_, second) = server.mails
    assert first["Message-ID"] == second["Message-ID"]


async def test_message_that_says_what_is_no_longer_so_is_not_sent(database: Database) -> None:
    clock, told = FakeClock(), Told()
    clock.advance(3600)
    async with mail_server.mail_server() as server:
        await post(database, "k1", kind="account.reset")
        await notifier_of(database, server.port, clock, told).round()
    assert await states(database, "k1") == [("mail", State.FAILED)]
    assert (server.mails, told) == ([], ["account.reset by mail: too late"])


async def test_two_processes_send_each_mail_once(database: Database, database_url: str) -> None:
    clock = FakeClock()
    keys = [f"k{number}" for number in range(30)]
    other = await open_database(parse_database_url(database_url, Path()))
    try:
        async with mail_server.mail_server() as server:
            both = [notifier_of(each, server.port, clock) for each in (database, other)]
            await post(database, *keys)
            running = [asyncio.create_task(each.run()) for each in both]
            while len(server.mails) < len(keys):
                server.arrived.clear()
                await server.arrived.wait()
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            for each in both:
                await each.round()
    finally:
        await other.close()
    names = Counter(message["Message-ID"] for _, message in server.mails)
    assert len(names) == len(keys)
    assert set(names.values()) == {1}


async def test_shutdown_waits_for_what_is_half_sent(database: Database) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def bring(delivery: Delivery) -> Outcome:
        began.set()
        await go_on.wait()
        return SENT

    running = asyncio.create_task(notifier_of(database, bring, FakeClock()).run())
    await post(database, "k1")
    await began.wait()
    running.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await states(database, "k1") == [("mail", State.SENT)]


async def test_message_that_cannot_be_made_does_not_stop_the_others(database: Database) -> None:
    brought: list[str] = []

    async def bring(delivery: Delivery) -> Outcome:
        if delivery.event_key == "k1":
            raise ZeroDivisionError
        brought.append(delivery.event_key)
        return SENT

    await post(database, "k1", "k2")
    await notifier_of(database, bring, FakeClock()).round()
    assert brought == ["k2"]
    assert await states(database, "k1") == [("mail", State.WAITING)]


async def test_unknown_kind_is_named_once_and_told_nobody(database: Database) -> None:
    told = Told()

    async def bring(delivery: Delivery) -> Outcome:
        return SENT

    await post(database, "k1", "k2", kind="no.such")
    await notifier_of(database, bring, FakeClock(), told).round()
    assert told == ["events of the kind 'no.such' are told nobody"]
    async with database.reading() as connection:
        assert await outbox.waiting(connection, 10) == []


async def test_database_that_is_away_is_reported_once_and_awaited(tmp_path: Path) -> None:
    database = await open_database(parse_database_url("", tmp_path))
    reported, told = asyncio.Event(), Told()

    def report(message: str) -> None:
        told(message)
        reported.set()

    async def bring(delivery: Delivery) -> Outcome:
        raise UnavailableError("never asked")

    (tmp_path / "catalog.sqlite").rename(tmp_path / "away")
    running = asyncio.create_task(notifier_of(database, bring, FakeClock(), report).run())
    await reported.wait()
    (tmp_path / "away").rename(tmp_path / "catalog.sqlite")
    await post(database, "k1", kind="no.such")
    while len(told) < 2:
        reported.clear()
        await reported.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await database.close()
    assert told[0].startswith("nobody is notified: ")

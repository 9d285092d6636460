"""Inbox, preferences, unsubscribing and devices over real connections."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from config.service import Push
from origin.catalog.database import Database
from origin.catalog.outbox import Event
from origin.domains.notifications import queries
from origin.domains.notifications.handlers import DEVICES_MAX, Handlers
from origin.domains.notifications.kinds import Channel
from origin.domains.notifications.push import PushService
from tests.helpers.domain_app import running_domain
from tests.helpers.push_service import PushService as Browser
from tests.helpers.push_service import make_vapid_key

ANNA = {"X-Viewer": "anna"}
BEN = {"X-Viewer": "ben"}
PUSH = Push("mailto:films@films.example", make_vapid_key(), "", ("fcm.googleapis.com",))


@pytest.fixture
async def client(database: Database) -> AsyncIterator[ClientSession]:
    numbers = iter(range(1000))
    handlers = Handlers(
        database,
        "https://films.example",
        PushService(PUSH, time.time),
        lambda: 5.0,
        lambda: f"id-{next(numbers)}",
    )
    async with running_domain(handlers.routes()) as session:
        yield session


async def ask(
    client: ClientSession, method: str, path: str, status: int, who: Any = None, body: Any = None
) -> Any:
    async with client.request(method, path, headers=who, json=body) as answer:
        text = await answer.text()
        assert answer.status == status, text
        return await answer.json() if "json" in answer.content_type else text


async def test_inbox_comes_in_pages_and_messages_become_read(
    database: Database, client: ClientSession
) -> None:
    async with database.begin() as connection:
        for number in range(3):
            event = Event(f"k{number}", "title.added", "anna", {"title": f"T{number}"})
            await queries.add_to_inbox(connection, event, float(number))
    page = await ask(client, "GET", "/v1/inbox?limit=2", 200, ANNA)
    assert [each["title"] for each in page["items"]] == ["New: T2", "New: T1"]
    assert page["unread"] == 3
    rest = await ask(client, "GET", f"/v1/inbox?after={page['next']}", 200, ANNA)
    assert [each["title"] for each in rest["items"]] == ["New: T0"]
    assert rest["next"] is None
    number = page["items"][0]["number"]
    await ask(client, "POST", f"/v1/inbox/{number}/read", 404, BEN)
    await ask(client, "POST", f"/v1/inbox/{number}/read", 204, ANNA)
    page = await ask(client, "GET", "/v1/inbox", 200, ANNA)
    assert (page["unread"], page["items"][0]["read"]) == (2, True)
    assert (await ask(client, "GET", "/v1/inbox", 200, BEN))["items"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/inbox"),
        ("POST", "/v1/inbox/1/read"),
        ("GET", "/v1/notifications/preferences"),
        ("PUT", "/v1/notifications/preferences"),
        ("POST", "/v1/push"),
        ("DELETE", "/v1/push/x"),
    ],
)
async def test_nobody_is_told_nothing(client: ClientSession, method: str, path: str) -> None:
    await ask(client, method, path, 401)


async def test_preferences_change_one_by_one_and_fixed_ones_do_not(client: ClientSession) -> None:
    path = "/v1/notifications/preferences"
    wish = {"kind": "title.added", "channel": "push", "wanted": False}
    changed = await ask(client, "PUT", path, 200, ANNA, {"items": [wish]})
    assert {**wish, "fixed": False} in changed["items"]
    assert await ask(client, "GET", path, 200, ANNA) == changed
    fixed = {"kind": "account.reset", "channel": "mail", "wanted": False}
    said = await ask(client, "PUT", path, 400, ANNA, {"items": [{**wish, "wanted": True}, fixed]})
    assert said["type"].endswith("preference-fixed")
    assert await ask(client, "GET", path, 200, ANNA) == changed


async def test_link_in_a_mail_turns_its_kind_off_by_its_button_only(
    database: Database, client: ClientSession
) -> None:
    async with database.begin() as connection:
        await queries.unsubscribe_token(connection, "anna", "a-token-of-anna")
    path = "/v1/notifications/unsubscribe?token=a-token-of-anna&kind=account.welcome"
    page = await ask(client, "GET", path, 200)
    assert '<form method="post"' in page
    async with database.reading() as connection:
        assert await queries.wishes_of(connection, "anna") == {}
    await ask(client, "POST", path, 200)
    async with database.reading() as connection:
        wishes = await queries.wishes_of(connection, "anna")
    assert wishes == {("account.welcome", Channel.MAIL): False}
    await ask(client, "POST", path.replace("of-anna", "of-none"), 404)
    await ask(client, "POST", path.replace("account.welcome", "account.reset"), 400)


async def test_devices_are_kept_up_to_a_number_and_removed_by_their_owner(
    client: ClientSession,
) -> None:
    key = await ask(client, "GET", "/v1/push/key", 200)
    assert len(key["key"]) == 87
    for number in range(DEVICES_MAX):
        browser = Browser(url=f"https://fcm.googleapis.com/{number}").subscription
        made = await ask(client, "POST", "/v1/push", 201, ANNA, browser)
    browser = Browser(url="https://fcm.googleapis.com/more").subscription
    await ask(client, "POST", "/v1/push", 409, ANNA, browser)
    await ask(client, "DELETE", f"/v1/push/{made['id']}", 404, BEN)
    await ask(client, "DELETE", f"/v1/push/{made['id']}", 204, ANNA)
    elsewhere = {**browser, "endpoint": "https://intranet.example/"}
    await ask(client, "POST", "/v1/push", 400, ANNA, elsewhere)


async def test_without_pushes_there_is_no_key(database: Database) -> None:
    handlers = Handlers(database, "https://films.example", None, time.time, lambda: "x")
    async with running_domain(handlers.routes()) as client:
        await ask(client, "GET", "/v1/push/key", 404)
        await ask(client, "POST", "/v1/push", 404, ANNA, Browser(url="https://x").subscription)

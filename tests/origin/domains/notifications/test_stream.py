"""The inbox arrives as it fills, goes on where it stopped, and ends with session and process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientResponse, ClientSession

from origin.catalog.database import Database
from origin.catalog.outbox import Event
from origin.domains.notifications import queries
from origin.domains.notifications.feed import Feed
from origin.domains.notifications.stream import InboxStream
from tests.helpers.domain_app import Sessions, running_domain

ANNA = {"X-Viewer": "anna"}
PATH = "/v1/inbox/stream"


class Domain:
    """The stream and its feed alone."""

    def __init__(self, database: Database) -> None:
        self.feed = Feed(database, 0.01, print)
        self.stream = InboxStream(database, self.feed, "https://films.example", 0.05)
        self.routes = self.stream.routes
        self.run = self.feed.run
        self.let_go = self.feed.close


@asynccontextmanager
async def streaming(
    database: Database, sessions: Sessions | None = None
) -> AsyncIterator[ClientSession]:
    async with running_domain(Domain(database), sessions) as client:
        yield client


async def put(database: Database, key: str, account: str = "anna") -> None:
    async with database.begin() as connection:
        event = Event(key, "title.added", account, {"title": key})
        await queries.add_to_inbox(connection, event, 1.0)


async def next_event(answer: ClientResponse) -> tuple[int, str]:
    """Number and title of the next message; heartbeats are passed over."""
    number = -1
    async for line in answer.content:
        if line.startswith(b"id: "):
            number = int(line[4:])
        if line.startswith(b"data: "):
            return number, json.loads(line[6:])["title"]
    raise EOFError


async def test_messages_arrive_as_they_come(database: Database) -> None:
    await put(database, "old")
    async with streaming(database) as client, client.get(PATH, headers=ANNA) as answer:
        assert answer.content_type == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-cache"
        await put(database, "other", "ben")
        for key in ("first", "second"):
            await put(database, key)
            assert (await next_event(answer))[1] == f"New: {key}"


async def test_browser_that_comes_back_gets_what_it_missed(database: Database) -> None:
    for key in ("a", "b", "c"):
        await put(database, key)
    async with streaming(database) as client:
        async with client.get(f"{PATH}?after=0", headers=ANNA) as answer:
            number, title = await next_event(answer)
            assert title == "New: a"
        async with client.get(PATH, headers={**ANNA, "Last-Event-ID": str(number)}) as answer:
            assert [(await next_event(answer))[1] for _ in "bc"] == ["New: b", "New: c"]
        async with client.get(PATH, headers={**ANNA, "Last-Event-ID": "x"}) as answer:
            assert answer.status == 400


async def test_quiet_stream_says_that_it_lives_and_ends_with_its_session(
    database: Database,
) -> None:
    sessions = Sessions()
    async with streaming(database, sessions) as client, client.get(PATH, headers=ANNA) as answer:
        assert (await answer.content.readline()).startswith(b":")
        sessions.ended.add("anna")
        rest = await answer.content.read()
    assert b"data:" not in rest


async def test_stream_ends_when_the_process_does(database: Database) -> None:
    async with ClientSession() as outliving:
        async with streaming(database) as client:
            answer = await outliving.get(f"{str(client._base_url).rstrip('/')}{PATH}", headers=ANNA)
            assert answer.status == 200
        assert b"data:" not in await answer.content.read()


async def test_stream_is_for_signed_in_people(database: Database) -> None:
    async with streaming(database) as client, client.get(PATH) as answer:
        assert answer.status == 401


@pytest.mark.parametrize("account", ["anna", "ben"])
async def test_nobody_sees_the_messages_of_others(database: Database, account: str) -> None:
    await put(database, "of anna", "anna")
    await put(database, "of ben", "ben")
    async with (
        streaming(database) as client,
        client.get(f"{PATH}?after=0", headers={"X-Viewer": account}) as answer,
    ):
        assert (await next_event(answer))[1] == f"New: of {account}"

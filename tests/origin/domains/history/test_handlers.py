"""The history over real connections: what was watched, gone on with, hidden and forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from origin.domains.history.handlers import History
from origin.domains.history.rules import Heartbeat
from tests.helpers.clock import FakeClock
from tests.helpers.domain_app import running_domain
from tests.origin.domains.films import catalogue

KID = {"X-Viewer": "anna/kid"}
TITLES: dict[str, Any] = {
    "alien": {"title": "Alien", "year": 1979},
    "brazil": {"title": "Brazil"},
    "cube": {"title": "Cube", "year": "late"},
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1000.0)


@pytest.fixture
async def history(database_url: str, clock: FakeClock) -> AsyncIterator[History]:
    async with catalogue(database_url, clock, **TITLES) as catalog:
        yield History(catalog, 35.0)


@pytest.fixture
async def client(history: History) -> AsyncIterator[ClientSession]:
    async with running_domain(history) as session:
        yield session


async def ask(client: ClientSession, method: str, path: str, who: Any, status: int) -> Any:
    async with client.request(method, path, headers=who) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json() if status == 200 else None


async def watch(history: History, clock: FakeClock, title: str, position: float) -> None:
    clock.advance(1)
    await history.record(
        Heartbeat("anna", "kid", title, int(clock.now), position, 100.0, clock.now, "s1", "DE")
    )


def ids(page: Any) -> list[str]:
    return [each["id"] for each in page["items"]]


async def test_what_was_watched_comes_newest_first_and_in_pages(
    history: History, client: ClientSession, clock: FakeClock
) -> None:
    for title, position in (("alien", 50.0), ("gone", 10.0), ("cube", 99.0)):
        await watch(history, clock, title, position)
    page = await ask(client, "GET", "/v1/history?limit=2", KID, 200)
    assert page["items"] == [
        {
            "id": "cube",
            "title": "Cube",
            "year": None,
            "position_seconds": 99.0,
            "duration_seconds": 100.0,
            "finished": True,
            "at": 1003.0,
        },
        {
            "id": "gone",
            "title": "",
            "position_seconds": 10.0,
            "duration_seconds": 100.0,
            "finished": False,
            "at": 1002.0,
        },
    ]
    rest = await ask(client, "GET", f"/v1/history?after={page['next']}", KID, 200)
    assert (ids(rest), rest["next"]) == (["alien"], None)
    assert rest["items"][0]["year"] == 1979


async def test_what_is_finished_hidden_or_gone_is_not_gone_on_with(
    history: History, client: ClientSession, clock: FakeClock
) -> None:
    for title, position in (("alien", 50.0), ("brazil", 20.0), ("cube", 99.0), ("gone", 9.0)):
        await watch(history, clock, title, position)
    assert ids(await ask(client, "GET", "/v1/continue", KID, 200)) == ["brazil", "alien"]
    await ask(client, "POST", "/v1/history/brazil/hide", KID, 204)
    assert ids(await ask(client, "GET", "/v1/continue", KID, 200)) == ["alien"]
    await watch(history, clock, "brazil", 30.0)
    assert ids(await ask(client, "GET", "/v1/continue", KID, 200)) == ["brazil", "alien"]


async def test_a_title_or_everything_is_forgotten(
    history: History, client: ClientSession, clock: FakeClock
) -> None:
    for title in ("alien", "brazil"):
        await watch(history, clock, title, 50.0)
    await ask(client, "DELETE", "/v1/history/alien", KID, 204)
    await ask(client, "DELETE", "/v1/history/alien", KID, 404)
    assert ids(await ask(client, "GET", "/v1/history", KID, 200)) == ["brazil"]
    await ask(client, "DELETE", "/v1/history", KID, 204)
    assert ids(await ask(client, "GET", "/v1/history", KID, 200)) == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/history"),
        ("GET", "/v1/continue"),
        ("DELETE", "/v1/history"),
        ("DELETE", "/v1/history/alien"),
        ("POST", "/v1/history/alien/hide"),
    ],
)
async def test_history_belongs_to_a_profile(
    history: History, client: ClientSession, clock: FakeClock, method: str, path: str
) -> None:
    await watch(history, clock, "alien", 50.0)
    await ask(client, method, path, {}, 401)
    await ask(client, method, path, {"X-Viewer": "anna"}, 403)
    other = {"X-Viewer": "ben/ben"}
    named = "alien" in path
    expected = 404 if named else {"GET": 200, "DELETE": 204}[method]
    page = await ask(client, method, path, other, expected)
    assert page is None or page["items"] == []
    assert ids(await ask(client, "GET", "/v1/history", KID, 200)) == ["alien"]


async def test_place_in_the_listing_that_is_no_place_begins_it(client: ClientSession) -> None:
    assert ids(await ask(client, "GET", "/v1/history?after=nonsense", KID, 200)) == []

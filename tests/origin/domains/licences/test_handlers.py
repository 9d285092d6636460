"""Licences over real connections: given, changed, taken back, and asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest
from aiohttp import ClientSession

from origin.domains.licences.handlers import Licences
from origin.domains.licences.rules import RightsError, TerritoryError
from tests.helpers.clock import FakeClock
from tests.helpers.domain_app import running_domain
from tests.origin.domains.films import catalogue


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1000.0)


@pytest.fixture
async def licences(database_url: str, clock: FakeClock) -> AsyncIterator[Licences]:
    numbers = count(1)
    async with catalogue(database_url, clock, alien={"title": "Alien"}) as catalog:
        yield Licences(catalog, required=False, make_id=lambda: f"l{next(numbers)}", now=clock)


@pytest.fixture
async def client(licences: Licences) -> AsyncIterator[ClientSession]:
    async with running_domain(licences) as session:
        yield session


async def ask(client: ClientSession, method: str, path: str, status: int, body: Any = None) -> Any:
    async with client.request(method, path, json=body) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json(content_type=None) if status != 204 else None


async def test_licence_is_given_changed_and_taken_back(client: ClientSession) -> None:
    given = {"title_id": "alien", "territories": ["DE"], "ends_at": 2000.0}
    made = await ask(client, "POST", "/v1/licences", 201, given)
    assert made["id"] == "l1"
    assert made.items() >= given.items()
    assert await ask(client, "GET", "/v1/licences/l1", 200) == made
    changed = await ask(client, "PUT", "/v1/licences/l1", 200, {**given, "plans": ["gold"]})
    assert changed["plans"] == ["gold"]
    page = await ask(client, "GET", "/v1/licences?title_id=alien", 200)
    assert (page["items"], page["next"]) == ([changed], None)
    await ask(client, "DELETE", "/v1/licences/l1", 204)
    for method, body in (("GET", None), ("DELETE", None), ("PUT", given)):
        await ask(client, method, "/v1/licences/l1", 404, body)


async def test_licences_come_in_pages(client: ClientSession) -> None:
    for _ in range(3):
        await ask(client, "POST", "/v1/licences", 201, {"title_id": "alien"})
    page = await ask(client, "GET", "/v1/licences?limit=2", 200)
    assert ([each["id"] for each in page["items"]], page["next"]) == (["l1", "l2"], "l2")
    rest = await ask(client, "GET", "/v1/licences?after=l2", 200)
    assert ([each["id"] for each in rest["items"]], rest["next"]) == (["l3"], None)


async def test_title_that_is_not_there_gets_no_licence(client: ClientSession) -> None:
    await ask(client, "POST", "/v1/licences", 404, {"title_id": "nothing"})
    await ask(client, "GET", "/v1/titles/nothing/availability", 404)
    problem = await ask(client, "POST", "/v1/licences", 400, {"title_id": "alien", "ends_at": 0})
    assert "ends_at" in problem["detail"]


async def test_everybody_may_ask_whether_a_title_can_be_watched(
    client: ClientSession, clock: FakeClock
) -> None:
    path = "/v1/titles/alien/availability"
    assert (await ask(client, "GET", path, 200))["available"]
    given = {"title_id": "alien", "territories": ["DE"], "ends_at": 2000.0, "height_max": 720}
    await ask(client, "POST", "/v1/licences", 201, given)
    assert (await ask(client, "GET", path, 200)) == {
        "available": False,
        "reason": "territory",
        "until": None,
    }
    here = await ask(client, "GET", path + "?territory=DE", 200)
    assert here == {"available": True, "until": 2000.0, "height_max": 720, "downloads": False}
    clock.advance(1000)
    assert (await ask(client, "GET", path + "?territory=DE", 200))["reason"] == "window-closed"


async def test_playbacks_are_refused_with_the_rule_that_refuses(
    client: ClientSession, licences: Licences, database_url: str
) -> None:
    given = {"title_id": "alien", "territories": ["DE"], "plans": ["gold"]}
    await ask(client, "POST", "/v1/licences", 201, given)
    database = licences.database
    async with database.reading() as connection:
        allowed = await licences.decide(connection, "alien", "DE", "gold")
        assert allowed.licence is not None
        with pytest.raises(RightsError) as plan:
            await licences.decide(connection, "alien", "DE", "")
        with pytest.raises(TerritoryError) as territory:
            await licences.decide(connection, "alien", "US", "gold")
    assert (plan.value.extra["reason"], plan.value.extra["licence"]) == ("plan", "l1")
    assert territory.value.extra["licence"] == "l1"

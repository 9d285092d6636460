"""The log over real connections: told, told again, listed, forgotten, and not kept at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest
from aiohttp import ClientSession, web

from origin.domains.activity.handlers import Activity, World
from origin.domains.activity.keeping import Log
from tests.helpers.clock import FakeClock
from tests.helpers.domain_app import running_domain
from tests.origin.domains.films import catalogue

KID = {"X-Viewer": "anna/kid"}
PATH = "/v1/activity"
KEEP_SECONDS = 86400.0


async def region_of(_request: web.Request) -> str:
    return "DE"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_000_000.0)


@pytest.fixture
async def client(database_url: str, clock: FakeClock) -> AsyncIterator[ClientSession]:
    numbers = count(1)
    async with catalogue(database_url, clock, alien={"title": "Alien"}) as catalog:
        log = Log(catalog.database, KEEP_SECONDS, print, clock)
        world = World(region_of, clock, lambda: f"made-{next(numbers)}")
        async with running_domain(Activity(catalog, log, KEEP_SECONDS, world)) as session:
            yield session


async def ask(
    client: ClientSession,
    method: str,
    path: str = PATH,
    body: Any = None,
    who: Any = KID,
    status: int = 200,
) -> Any:
    async with client.request(method, path, headers=who, json=body) as answer:
        assert answer.status == status, await answer.text()
        return None if status == 204 else await answer.json(content_type=None)


async def tell(client: ClientSession, *events: Any, who: Any = KID) -> list[Any]:
    found = await ask(client, "POST", body={"events": list(events)}, who=who)
    items: list[Any] = found["items"]
    return items


def outcomes(items: list[Any]) -> list[str]:
    return [each["outcome"] for each in items]


async def test_good_events_are_kept_whatever_the_others_are(client: ClientSession) -> None:
    items = await tell(
        client,
        {"kind": "search", "words": "heist", "id": "s"},
        {"kind": "dance"},
        "nonsense",
        {"kind": "rate", "title_id": "gone", "value": 4, "id": "r"},
        {"kind": "play", "title_id": "alien", "profile": "mum", "id": "p"},
        {"kind": "rate", "title_id": "alien", "value": 4},
        {"kind": "search", "words": "other", "id": "s"},
    )
    assert outcomes(items) == [
        *("accepted", "refused", "refused", "refused", "refused", "accepted", "duplicate")
    ]
    assert [each["id"] for each in items] == ["s", "", "", "r", "p", "made-1", "s"]
    assert items[3]["reason"] == "title_id: there is no title 'gone'"
    assert items[4]["reason"] == "profile: a profile tells of itself alone"
    page = await ask(client, "GET")
    assert [(each["id"], each["kind"], each["words"]) for each in page["items"]] == [
        ("made-1", "rate", ""),
        ("s", "search", "heist"),
    ]


async def test_kept_is_what_was_told_with_the_time_and_the_country(
    client: ClientSession, clock: FakeClock
) -> None:
    told = {"kind": "heartbeat", "title_id": "alien", "position_seconds": 9.5,
            "watched_seconds": 4.0, "id": "h", "at": clock.now - 60}  # fmt: skip
    await tell(client, told)
    (kept,) = (await ask(client, "GET"))["items"]
    assert kept == {**told, "region": "DE", "value": 0.0, "words": ""}


async def test_same_name_of_another_profile_is_another_event(client: ClientSession) -> None:
    said = {"kind": "search", "words": "x", "id": "1"}
    assert outcomes(await tell(client, said)) == ["accepted"]
    assert outcomes(await tell(client, said, who={"X-Viewer": "ben/ben"})) == ["accepted"]
    assert outcomes(await tell(client, said)) == ["duplicate"]


async def test_events_come_in_pages_and_are_forgotten(client: ClientSession) -> None:
    await tell(client, *({"kind": "search", "words": "x", "id": str(n)} for n in range(5)))
    await tell(client, {"kind": "search", "words": "x"}, who={"X-Viewer": "anna/mum"})
    page = await ask(client, "GET", f"{PATH}?limit=3")
    assert [each["id"] for each in page["items"]] == ["4", "3", "2"]
    rest = await ask(client, "GET", f"{PATH}?after={page['next']}")
    assert ([each["id"] for each in rest["items"]], rest["next"]) == (["1", "0"], None)
    for nonsense in ("x", "-1", "9" * 40):
        whole = await ask(client, "GET", f"{PATH}?after={nonsense}")
        assert len(whole["items"]) == 5 if nonsense != "9" * 40 else True
    await ask(client, "DELETE", status=204)
    assert (await ask(client, "GET"))["items"] == []
    assert len((await ask(client, "GET", who={"X-Viewer": "anna/mum"}))["items"]) == 1


async def test_profile_may_have_nothing_kept(client: ClientSession) -> None:
    assert await ask(client, "GET", f"{PATH}/recording") == {"recorded": True}
    await tell(client, {"kind": "search", "words": "before"})
    await ask(client, "PUT", f"{PATH}/recording", {"recorded": False})
    assert await ask(client, "GET", f"{PATH}/recording") == {"recorded": False}
    (item,) = await tell(client, {"kind": "search", "words": "meanwhile"})
    assert (item["outcome"], item["reason"]) == ("refused", "what this profile does is not kept")
    await ask(client, "PUT", f"{PATH}/recording", {"recorded": True})
    await tell(client, {"kind": "search", "words": "after"})
    page = await ask(client, "GET")
    assert [each["words"] for each in page["items"]] == ["after", "before"]


@pytest.mark.parametrize("events", [[], [{}] * 501, {}, "x"])
async def test_too_many_events_or_none_are_refused_at_once(
    client: ClientSession, events: Any
) -> None:
    refused = await ask(client, "POST", body={"events": events}, status=400)
    assert refused["errors"][0]["pointer"] == "/events"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", PATH, {"events": [{"kind": "search", "words": "x"}]}),
        ("GET", PATH, None),
        ("DELETE", PATH, None),
        ("GET", f"{PATH}/recording", None),
        ("PUT", f"{PATH}/recording", {"recorded": True}),
    ],
)
async def test_log_belongs_to_a_profile(
    client: ClientSession, method: str, path: str, body: Any
) -> None:
    await ask(client, method, path, body, {}, 401)
    await ask(client, method, path, body, {"X-Viewer": "anna"}, 403)

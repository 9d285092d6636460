"""Operators see runs, compare two, and choose what is shown; nobody else may, and all is noted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from cdnkit.service.viewers import SCOPES, Role
from origin.catalog import recommended
from origin.catalog.catalog import Catalog
from origin.catalog.recommended import CONTROL, PROFILE, TRIAL, Item, TitleList
from origin.domains.recommendations.operating import SCOPE, RecommendationRuns
from tests.helpers.clock import FakeClock
from tests.helpers.domain_app import running_domain
from tests.origin.domains.films import catalogue

FACTS: dict[str, Any] = {
    "cut": 9,
    "terms": {"shrinkage": 15.0},
    "lists": 2,
    "engine": "duckdb",
    "inputs": {"snapshot": "s", "events": 9, "titles": 2, "days": 1, "size_bytes": 77},
    "stages": [
        {"name": "snapshot", "seconds": 1.5, "rows": 9},
        {"name": "generator", "seconds": 2.0, "rows": 5},
    ],
    "quality": {
        "profiles": 2,
        "models": [
            {"name": "ours", "ndcg10": 0.5, "recall20": 0.75},
            {"name": "popular everywhere", "ndcg10": 0.25, "recall20": 0.5},
        ],
    },
    "coverage": {"titles": 1, "of": 2},
    "reasoned": 0.5,
    "novelty": {"ours": 3.0, "popular everywhere": 1.0},
    "pairs": [{"title": "film", "other": "gone", "similarity": 0.25, "support": 3}],
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def catalog(database_url: str, clock: FakeClock) -> AsyncIterator[Catalog]:
    async with catalogue(database_url, clock, film={"title": "Film"}) as opened:
        yield opened


@pytest.fixture
async def client(catalog: Catalog, clock: FakeClock) -> AsyncIterator[ClientSession]:
    async with running_domain(RecommendationRuns(catalog, clock)) as asking:
        yield asking


async def save(catalog: Catalog, run: str, at: float, facts: Any, **lists: str) -> None:
    """A run with a list of titles, one letter each, for each profile."""
    made = [TitleList(PROFILE, name, "a", tuple(map(Item, it))) for name, it in lists.items()]
    async with catalog.database.begin() as connection:
        await recommended.begin_run(connection, run, at, {})
        await recommended.save_lists(connection, run, made)
        if facts is not None:
            await recommended.finish_run(connection, run, facts)


async def ask(client: ClientSession, path: str, status: int = 200) -> Any:
    async with client.get(f"/v1/recommendations{path}") as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def show(client: ClientSession, label: str, run: str, status: int = 200) -> Any:
    path = f"/v1/recommendations/shown/{label}"
    async with client.put(path, json={"run": run}) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def test_run_is_seen_with_all_that_is_known_of_it(
    catalog: Catalog, client: ClientSession
) -> None:
    await save(catalog, "one", 1.0, FACTS)
    await save(catalog, "half", 2.0, None)
    half, one = (await ask(client, "/runs"))["items"]
    assert one == {
        **{"id": "one", "made_at": 1.0, "finished": True, "shown_to": [], "engine": "duckdb"},
        **{"events": 9, "lists": 2, "seconds": 3.5, "ndcg10": 0.5},
    }
    assert (half["finished"], half["engine"], half["seconds"]) == (False, None, None)
    page = await ask(client, "/runs/one")
    assert {name: page[name] for name in one} == one
    for name in ("inputs", "stages", "quality", "coverage", "reasoned", "terms"):
        assert page[name] == FACTS[name]
    assert page["novelty"] == [
        {"name": "ours", "bits": 3.0},
        {"name": "popular everywhere", "bits": 1.0},
    ]
    assert page["pairs"] == [
        {
            "one": {"id": "film", "title": "Film"},
            "other": {"id": "gone", "title": "gone"},
            "similarity": 0.25,
            "support": 3,
        }
    ]
    assert (await ask(client, "/runs/half"))["quality"] is None
    await ask(client, "/runs/none", 404)


async def test_two_runs_are_compared_over_the_profiles_of_both(
    catalog: Catalog, client: ClientSession
) -> None:
    await save(catalog, "one", 1.0, FACTS, p="abcdefghijX", q="abc", only="a")
    await save(catalog, "two", 2.0, FACTS, p="abcdefghXij", q="xyz", other="a")
    found = await ask(client, "/runs/one/against/two")
    assert (found["one"]["id"], found["other"]["id"]) == ("one", "two")
    assert (found["profiles"], found["same_first"]) == (2, 1)
    assert found["same_of_ten"] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]
    same = await ask(client, "/runs/one/against/one")
    assert (same["profiles"], same["same_first"]) == (3, 3)
    await ask(client, "/runs/one/against/none", 404)


async def test_run_is_shown_gone_back_from_and_withdrawn_and_each_is_noted(
    catalog: Catalog, client: ClientSession, clock: FakeClock
) -> None:
    await save(catalog, "one", 1.0, FACTS)
    await save(catalog, "two", 2.0, FACTS)
    await save(catalog, "half", 3.0, None)
    for label, run in ((CONTROL, "one"), (CONTROL, "two"), (TRIAL, "one"), (CONTROL, "one")):
        clock.advance(1)
        assert await show(client, label, run) == {"label": label, "run": run}
    runs = {run["id"]: run["shown_to"] for run in (await ask(client, "/runs"))["items"]}
    assert runs == {"one": [CONTROL, TRIAL], "two": [], "half": []}
    await show(client, CONTROL, "half", 409)
    await show(client, CONTROL, "none", 404)
    await show(client, "everybody", "one", 400)
    clock.advance(1)
    async with client.delete(f"/v1/recommendations/shown/{TRIAL}") as answer:
        assert answer.status == 204
    async with client.delete(f"/v1/recommendations/shown/{CONTROL}") as answer:
        assert answer.status == 409
    noted = (await ask(client, "/promotions"))["items"]
    assert [(each["label"], each["run"], each["before"]) for each in noted] == [
        (TRIAL, None, "one"),
        (CONTROL, "one", "two"),
        (TRIAL, "one", None),
        (CONTROL, "two", "one"),
        (CONTROL, "one", None),
    ]
    assert noted[0]["at"] == clock.now
    assert all(each["made_by"] for each in noted)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/runs"),
        ("GET", "/runs/one"),
        ("GET", "/runs/one/against/one"),
        ("GET", "/promotions"),
        ("PUT", "/shown/control"),
        ("DELETE", "/shown/trial"),
    ],
)
@pytest.mark.parametrize("role", list(Role))
async def test_only_operators_may(
    catalog: Catalog, clock: FakeClock, method: str, path: str, role: Role
) -> None:
    await save(catalog, "one", 1.0, FACTS)
    runs = RecommendationRuns(catalog, clock)
    may = bool(SCOPES[role] & {SCOPE, "admin"})
    async with running_domain(runs, people=lambda _request: ("ada", SCOPES[role])) as client:
        body = {"run": "one"} if method == "PUT" else None
        async with client.request(method, f"/v1/recommendations{path}", json=body) as answer:
            assert (answer.status < 300) is may
            assert may or answer.status == 403
    async with catalog.database.reading() as connection:
        noted = await recommended.promotions(connection)
    assert [each.made_by for each in noted] == (["ada"] if may and method != "GET" else [])

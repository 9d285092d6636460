"""Recommendations over HTTP: the viewer's own, with reasons, and nothing that must not show."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientSession, web

from origin.catalog import recommended
from origin.catalog.audience import Audience
from origin.catalog.catalog import Catalog
from origin.catalog.recommended import CONTROL, PROFILE, REGION, TRIAL, Item, TitleList
from origin.domains.recommendations.handlers import Recommendations
from origin.domains.recommendations.rules import label_of
from tests.helpers.clock import FakeClock
from tests.helpers.domain_app import running_domain
from tests.origin.domains.films import catalogue

FILMS = {"film": 0, "old": 0, "horror": 18, "secret": 0, "seen": 0, "hit": 0}


class World:
    """What the domain is told by others."""

    def __init__(self) -> None:
        self.audience = Audience(profile="p")
        self.watched: set[str] = set()

    async def audience_of(self, _request: web.Request) -> Audience:
        return self.audience

    async def watched_by(self, profile: str) -> Collection[str]:
        return self.watched if profile == "p" else ()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def catalog(database_url: str) -> AsyncIterator[Catalog]:
    films = {name: {"title": name.title(), "age": age, "year": 2000} for name, age in FILMS.items()}
    async with catalogue(database_url, FakeClock(), **films) as opened:
        yield opened


Save = Callable[..., Awaitable[None]]


@pytest.fixture
def save(catalog: Catalog) -> Save:
    async def save(run: str, *titles: str, label: str = CONTROL) -> None:
        own = TitleList(PROFILE, "p", "a", tuple(Item(each, 0.5, "old") for each in titles))
        lists = [own, *(TitleList(REGION, r, "", (Item(t),)) for r, t in _REGIONS.items())]
        async with catalog.database.begin() as connection:
            await recommended.begin_run(connection, run, 7.0, {})
            await recommended.save_lists(connection, run, lists)
            await recommended.finish_run(connection, run, {})
            await recommended.promote(connection, run, label, made_by="", at=0.0)

    return save


_REGIONS = {"": "hit", "DE": "seen"}


def domain_of(catalog: Catalog, world: World, trial_share: float = 0.0) -> Recommendations:
    return Recommendations(
        catalog,
        audience_of=world.audience_of,
        watched=world.watched_by,
        trial_share=trial_share,
    )


async def ask(client: ClientSession, query: str = "", viewer: str = "a/p") -> dict[str, Any]:
    headers = {"X-Viewer": viewer}
    async with client.get(f"/v1/recommendations{query}", headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        body: dict[str, Any] = await answer.json()
        return body


def ids(body: dict[str, Any]) -> list[str]:
    return [item["id"] for item in body["items"]]


async def test_titles_come_with_their_reason_and_their_age(
    catalog: Catalog, world: World, save: Save
) -> None:
    async with running_domain(domain_of(catalog, world)) as client:
        nothing: dict[str, Any] = {"made_at": None, "run": "", "label": CONTROL, "items": []}
        assert await ask(client) == nothing
        await save("one", "film")
        body = await ask(client)
    assert (body["made_at"], body["run"], body["label"]) == (7.0, "one", CONTROL)
    film, hit = body["items"]
    assert film == {
        **{"id": "film", "title": "Film", "year": 2000, "poster": ""},
        "because": {"id": "old", "title": "Old"},
    }
    assert (hit["id"], hit["because"]) == ("hit", None)


async def test_what_may_not_be_seen_or_is_gone_or_was_watched_is_left_out(
    catalog: Catalog, world: World, save: Save
) -> None:
    await save("one", "horror", "secret", "seen", "gone", "film")
    async with running_domain(domain_of(catalog, world)) as client:
        assert ids(await ask(client)) == ["horror", "secret", "seen", "film", "hit"]
        world.audience = Audience(age_max=16, profile="p", hidden=frozenset({"secret"}))
        world.watched = {"seen"}
        assert ids(await ask(client)) == ["film", "hit"]
        assert ids(await ask(client, "?limit=1")) == ["film"]


async def test_reason_that_may_not_be_seen_is_not_told(
    catalog: Catalog, world: World, save: Save
) -> None:
    await save("one", "film")
    world.audience = Audience(profile="p", hidden=frozenset({"old"}))
    async with running_domain(domain_of(catalog, world)) as client:
        assert (await ask(client))["items"][0]["because"] is None


async def test_stranger_is_shown_what_is_popular_in_the_region(
    catalog: Catalog, world: World, save: Save
) -> None:
    await save("one", "film")
    async with running_domain(domain_of(catalog, world)) as client:
        assert ids(await ask(client, viewer="b/q")) == ["hit"]
        world.audience = replace(world.audience, region="DE")
        assert ids(await ask(client, viewer="b/q")) == ["seen"]


async def test_sides_of_an_experiment_are_shown_their_own_run(
    catalog: Catalog, world: World, save: Save
) -> None:
    await save("one", "film")
    await save("two", "secret", label=TRIAL)
    assert label_of("p", 1.0) == TRIAL
    for share, run in ((0.0, "one"), (1.0, "two")):
        async with running_domain(domain_of(catalog, world, share)) as client:
            body = await ask(client)
        assert (body["run"], body["label"]) == (run, label_of("p", share))


async def test_viewer_needs_a_profile(catalog: Catalog, world: World) -> None:
    async with running_domain(domain_of(catalog, world)) as client:
        for viewer, status in (("", 401), ("a", 403)):
            headers = {"X-Viewer": viewer}
            async with client.get("/v1/recommendations", headers=headers) as answer:
                assert answer.status == status


async def test_home_row_is_the_same_list(catalog: Catalog, world: World, save: Save) -> None:
    domain = domain_of(catalog, world)
    assert await domain.pick(world.audience, 5) == ()
    await save("one", "film", "horror")
    assert await domain.pick(Audience(profile="p"), 5) == ["film", "horror", "hit"]
    assert await domain.pick(Audience(profile="p", age_max=6), 1) == ["film"]
    assert await domain.pick(Audience(), 5) == ["hit"]

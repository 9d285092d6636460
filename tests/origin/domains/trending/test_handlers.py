"""Trending titles over real connections: for whom, where, of which category, and how counted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Any

import pytest
from aiohttp import ClientSession, web

from config.service import Trending as Settings
from origin.catalog.activity import Event, Kind, append
from origin.catalog.audience import Audience
from origin.catalog.catalog import Catalog
from origin.domains.trending.following import Follower
from origin.domains.trending.handlers import Trending
from tests.helpers.clock import FakeClock
from tests.helpers.domain_app import running_domain
from tests.origin.domains.films import catalogue

NOW = 50_000.0
TITLES: dict[str, Any] = {
    "alien": {"title": "Alien", "year": 1979, "age": 16, "poster": "alien.jpg"},
    "brazil": {"title": "Brazil"},
    "cube": {"title": "Cube", "year": 1997},
}
VIEWS = {"alien": ("DE", "DE", "FR"), "brazil": ("FR", "FR"), "cube": ("DE",), "gone": ("DE",) * 4}


class Cinema:
    """The domain, and who looks at it."""

    def __init__(self, catalog: Catalog, clock: FakeClock) -> None:
        self.audience = Audience()
        settings = Settings(half_life_seconds=1000.0)
        self.follower = Follower(catalog.database, settings, print, clock)
        self.domain = Trending(catalog, self.follower, self.audience_of, self.members)

    async def audience_of(self, _request: web.Request) -> Audience:
        return self.audience

    async def members(self, category: str) -> Collection[str] | None:
        return {"genre.odd": {"brazil", "cube"}}.get(category)


@pytest.fixture
async def cinema(database_url: str) -> AsyncIterator[Cinema]:
    clock = FakeClock(NOW)
    async with catalogue(database_url, clock, **TITLES) as catalog:
        events = [
            Event(f"{title}-{number}", Kind.PLAY, NOW, "anna", f"p{number}", title, region)
            for title, regions in VIEWS.items()
            for number, region in enumerate(regions)
        ]
        async with catalog.database.begin() as connection:
            await append(connection, events)
        made = Cinema(catalog, clock)
        await made.follower.look()
        yield made


@pytest.fixture
async def client(cinema: Cinema) -> AsyncIterator[ClientSession]:
    async with running_domain(cinema.domain.routes()) as session:
        yield session


async def ask(client: ClientSession, query: str = "", status: int = 200) -> Any:
    async with client.get(f"/v1/trending{query}") as answer:
        assert answer.status == status, await answer.text()
        return await answer.json(content_type=None)


def scores(answer: Any) -> dict[str, float]:
    return {item["id"]: item["score"] for item in answer["items"]}


async def test_answer_says_how_it_was_counted(client: ClientSession) -> None:
    answer = await ask(client, "?limit=1")
    assert answer == {
        "region": "",
        "category": "",
        "items": [
            {"id": "alien", "title": "Alien", "year": 1979, "poster": "alien.jpg", "score": 3.0}
        ],
        "counting": {
            "formula": "score = sum over views of 2 ** (-(at - view_at) / half_life_seconds)",
            "at": NOW,
            "half_life_seconds": 1000.0,
            "window_seconds": 1000.0,
            "windows_before": 8,
        },
    }


async def test_titles_trend_by_country_and_category(client: ClientSession) -> None:
    assert scores(await ask(client)) == {"alien": 3.0, "brazil": 2.0, "cube": 1.0}
    assert list(scores(await ask(client, "?region=FR"))) == ["brazil", "alien"]
    assert scores(await ask(client, "?region=IT")) == {}
    assert list(scores(await ask(client, "?category=genre.odd"))) == ["brazil", "cube"]
    assert list(scores(await ask(client, "?category=genre.odd&region=DE"))) == ["cube"]
    assert "genre.no" in (await ask(client, "?category=genre.no", 404))["detail"]


@pytest.mark.parametrize("query", ["?region=de", "?region=DEU", "?limit=0", "?limit=101", "?x=1"])
async def test_what_makes_no_sense_is_refused(client: ClientSession, query: str) -> None:
    await ask(client, query, 400)


async def test_nobody_is_shown_what_is_not_for_them(cinema: Cinema, client: ClientSession) -> None:
    cinema.audience = Audience(age_max=12, hidden=frozenset({"cube"}))
    assert list(scores(await ask(client))) == ["brazil"]
    assert await cinema.domain.pick(cinema.audience, 5) == ["brazil"]


@pytest.mark.parametrize(
    ("region", "limit", "picked"),
    [
        ("FR", 5, ["brazil", "alien", "cube"]),
        ("DE", 5, ["alien", "cube", "brazil"]),
        ("DE", 2, ["alien", "cube"]),
        ("IT", 2, ["alien", "brazil"]),
    ],
)
async def test_a_row_begins_with_what_the_viewers_country_watches(
    cinema: Cinema, region: str, limit: int, picked: list[str]
) -> None:
    assert await cinema.domain.pick(Audience(region=region), limit) == picked


async def test_rows_and_searches_have_the_same_count(cinema: Cinema) -> None:
    assert await cinema.domain.pick(Audience(), 2) == ["alien", "brazil"]
    popular = [cinema.domain.popularity(title) for title in ("gone", "alien", "brazil", "none")]
    assert popular == sorted(popular, reverse=True)
    assert (popular[0], popular[-1]) == (1.0, 0.0)

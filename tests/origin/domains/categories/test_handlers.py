"""Lists over HTTP: categories with counts, pages of films, people and collections."""

from __future__ import annotations

from typing import Any

import pytest

from tests.origin.conftest import RunningOrigin
from tests.origin.domains.conftest import save_title


async def get(origin: RunningOrigin, path: str, status: int = 200, **query: str) -> Any:
    async with origin.client.get(path, params=query) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


@pytest.fixture
async def films(service: RunningOrigin) -> RunningOrigin:
    """Three dramas, one of them not for everybody, and a collection."""
    for number, year in enumerate((1990, 1994, 2001)):
        await save_title(
            service,
            f"f{number}",
            title=f"Film {number}",
            year=year,
            genres=["Drama/Crime"],
            tags=["Heist"],
            people=[{"name": "Zoë Bell", "role": f"role {number}"}],
            collections=["The Trilogy"],
        )
    await save_title(service, "grown-ups", title="X", genres=["Drama"], age=21)
    known: list[Any] = []
    while len(known) < 4:
        known = (await get(service, "/v1/categories"))["items"]
    return service


async def test_categories_count_what_may_be_seen(films: RunningOrigin) -> None:
    items = (await get(films, "/v1/categories"))["items"]
    assert [(each["id"], each["parent"], each["titles"]) for each in items] == [
        ("collection.the-trilogy", "", 3),
        ("genre.drama", "", 3),
        ("genre.drama.crime", "genre.drama", 3),
        ("tag.heist", "", 3),
    ]
    assert len((await get(films, "/v1/categories", kind="tag"))["items"]) == 1


async def test_films_of_a_category_come_in_pages(films: RunningOrigin) -> None:
    path = "/v1/categories/genre.drama.crime/titles"
    first = await get(films, path, limit="2")
    assert [each["id"] for each in first["items"]] == ["f2", "f1"]
    assert first["facets"]["genres"] == [{"value": "Drama/Crime", "count": 3}]
    rest = await get(films, path, limit="2", after=first["next"])
    assert ([each["id"] for each in rest["items"]], rest["next"]) == (["f0"], None)
    assert "facets" not in rest
    assert [each["id"] for each in (await get(films, path, year_to="1990"))["items"]] == ["f0"]


async def test_person_is_found_by_name_and_by_its_words(films: RunningOrigin) -> None:
    for name in ("Zoë Bell", "zoe-bell"):
        page = await get(films, f"/v1/people/{name}")
        assert page["category"]["name"] == "Zoë Bell"
        assert [each["role"] for each in page["items"]] == ["role 2", "role 1", "role 0"]


async def test_collection_lists_its_films(films: RunningOrigin) -> None:
    page = await get(films, "/v1/collections/the-trilogy")
    assert page["category"]["titles"] == 3


async def test_what_is_not_there_is_told(films: RunningOrigin) -> None:
    for path in ("/v1/categories/genre.none/titles", "/v1/people/…", "/v1/collections/x"):
        assert (await get(films, path, 404))["type"].endswith("not-found")
    path = "/v1/categories/genre.drama/titles"
    assert (await get(films, path, 400, after="nowhere"))["detail"].startswith("'after'")

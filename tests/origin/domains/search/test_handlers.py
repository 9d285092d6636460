"""Search over HTTP: what is saved is found, shown with the part that matches, and filtered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.origin.conftest import RunningOrigin
from tests.origin.domains.conftest import save_title


async def get(origin: RunningOrigin, path: str, status: int = 200, **query: str) -> Any:
    async with origin.client.get(path, params=query) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def until_found(origin: RunningOrigin, query: str, count: int) -> Any:
    async with asyncio.timeout(20):
        while True:
            answer = await get(origin, "/v1/search", q=query)
            if answer["total"] == count and not answer["building"]:
                return answer


async def test_saved_titles_are_found_and_shown(service: RunningOrigin) -> None:
    await save_title(
        service,
        "leon",
        title="Léon",
        year=1994,
        genres=["Drama/Crime"],
        overview="A hitman waters a plant.",
        poster="posters/leon.jpg",
    )
    await save_title(service, "old", title="Leon", year=1930, genres=["Drama"])
    await save_title(service, "grown-ups", title="Leonine", age=19)
    answer = await until_found(service, "leon", 2)
    hit = next(each for each in answer["items"] if each["id"] == "leon")
    assert hit["title"] == "Léon"
    assert hit["poster"] == "posters/leon.jpg"
    assert answer["facets"]["decades"] == [
        {"value": "1930", "count": 1},
        {"value": "1990", "count": 1},
    ]
    assert answer["took_ms"] >= 0
    (hit,) = (await get(service, "/v1/search", q="hitman"))["items"]
    start, stop = hit["snippet"]["marks"][0]
    assert hit["snippet"]["text"][start:stop] == "hitman"
    found = await get(service, "/v1/search", q="leon", genre="Drama / crime", year_from="1994")
    assert [each["id"] for each in found["items"]] == ["leon"]


async def test_suggestions_name_each_title_once(service: RunningOrigin) -> None:
    await save_title(service, "old", title="King Kong", year=1933)
    await save_title(service, "new", title="King Kong", year=2005)
    await save_title(service, "other", title="Kingpin", year=1996)
    await until_found(service, "king", 3)
    answer = await get(service, "/v1/suggest", q="kin")
    assert sorted(each["title"] for each in answer["items"]) == ["King Kong", "Kingpin"]
    assert await get(service, "/v1/suggest") == {"items": []}


@pytest.mark.parametrize(
    "query",
    [{"q": "x" * 201}, {"limit": "0"}, {"year_from": "abc"}, {"language": "a b"}, {"what": "1"}],
)
async def test_wrong_questions_are_refused(service: RunningOrigin, query: dict[str, str]) -> None:
    assert (await get(service, "/v1/search", 400, **query))["type"].endswith("bad-request")


@pytest.mark.parametrize("query", ['"', "%00", "title:a AND (", "\ud83c", "AND OR NOT", "*"])
async def test_no_text_is_too_odd(service: RunningOrigin, query: str) -> None:
    text = query.encode("utf-8", "replace").decode()
    assert (await get(service, "/v1/search", q=text))["total"] == 0

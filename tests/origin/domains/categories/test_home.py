"""The home page is made of editors' rows and of sources, and stands without either."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from cdnkit.errors import ForbiddenError, UnavailableError
from cdnkit.service.app import build_app
from cdnkit.service.health import Health
from cdnkit.service.metrics import Telemetry
from cdnkit.service.run import serve
from origin.catalog.audience import Audience
from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url
from origin.domains.categories import open_categories
from tests.helpers.clock import FakeClock


class Page:
    """A home page with a catalog behind it, for whoever `audience` says."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.audience = Audience()
        self.reports: list[str] = []
        self.client: ClientSession

    async def audience_of(self, _request: web.Request) -> Audience:
        return self.audience

    async def trending(self, audience: Audience, size: int) -> Sequence[str]:
        return ["b", "gone", "a"]

    async def recommendations(self, audience: Audience, size: int) -> Sequence[str]:
        raise UnavailableError("the model is not there")

    def app(self) -> web.Application:
        domain = open_categories(
            self.catalog,
            audience_of=self.audience_of,
            sources={"trending": self.trending, "recommendations": self.recommendations},
            report=self.reports.append,
            now=FakeClock(),
        )

        def authorize(request: web.Request, scope: str) -> str:
            if request.headers.get("Authorization") != f"Bearer {scope}":
                raise ForbiddenError("editors only")
            return scope

        app = build_app(
            tier="origin",
            name="origin-1",
            telemetry=Telemetry("origin", "origin-1"),
            health=Health(),
            access_log=None,
            authorize_scope=authorize,
            routes=domain.routes(),
        )

        async def running(_: web.Application) -> AsyncIterator[None]:
            task = asyncio.create_task(domain.run())
            yield
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        app.cleanup_ctx.append(running)
        return app

    async def ask(self, method: str, path: str, status: int, body: Any = None) -> Any:
        headers = {"Authorization": "Bearer operate"}
        async with self.client.request(method, path, json=body, headers=headers) as answer:
            assert answer.status == status, await answer.text()
            return json.loads(await answer.text() or "null")

    async def shown(self, language: str = "") -> dict[str, list[str]]:
        rows = (await self.ask("GET", f"/v1/home?language={language}", 200))["rows"]
        return {row["name"]: [each["id"] for each in row["items"]] for row in rows}


@pytest.fixture
async def page(database_url: str) -> AsyncIterator[Page]:
    catalog = await open_catalog(parse_database_url(database_url, Path()), FakeClock())
    for name, members in {
        "a": {"title": "Alien", "year": 1979, "genres": ["Horror"], "age": 16},
        "b": {"title": "Bambi", "year": 1942, "genres": ["Animation"]},
        "c": {"title": "Cinderella", "year": 1950, "genres": ["Animation"]},
    }.items():
        await catalog.put_title(name, json.dumps(members), lambda _: None)
    made = Page(catalog)
    async with (
        serve(made.app(), "127.0.0.1", 0) as listening,
        ClientSession(listening.url) as made.client,
    ):
        yield made
    await catalog.close()


async def test_without_editors_it_has_sources_news_and_genres(page: Page) -> None:
    assert await page.shown() == {
        "Trending now": ["b", "a"],
        "New": ["a", "c", "b"],
        "Animation": ["c", "b"],
        "Horror": ["a"],
    }
    assert "the model is not there" in page.reports[0]
    page.audience = Audience(age_max=12, hidden=frozenset({"b"}))
    assert await page.shown() == {"New": ["c"], "Animation": ["c"]}


async def test_editors_rows_stand_in_their_order_and_language(page: Page) -> None:
    row = {"name": "Old", "position": 2, "query": {"category": "all", "order": "oldest"}, "size": 2}
    assert (await page.ask("PUT", "/v1/rows/old", 201, row))["kind"] == "query"
    await page.ask("PUT", "/v1/rows/ours", 201, {"name": "Ours", "titles": ["c", "x", "a"]})
    french = {"name": "Pour vous", "position": 1, "language": "fr", "source": "trending"}
    await page.ask("PUT", "/v1/rows/french", 201, french)
    await page.ask("PUT", "/v1/rows/odd", 201, {"name": "Odd", "source": "horoscope"})
    assert await page.shown() == {"Ours": ["c", "a"], "Old": ["b", "c"]}
    assert list(await page.shown("fr-CA")) == ["Ours", "Pour vous", "Old"]
    await page.ask("PUT", "/v1/rows/ours", 200, {"name": "Theirs", "position": 9, "titles": ["a"]})
    assert list(await page.shown()) == ["Old", "Theirs"]
    items = (await page.ask("GET", "/v1/rows", 200))["items"]
    assert [each["id"] for each in items] == ["odd", "french", "old", "ours"]
    await page.ask("DELETE", "/v1/rows/old", 204)
    await page.ask("DELETE", "/v1/rows/old", 404)
    await page.ask("GET", "/v1/rows/old", 404)
    assert (await page.ask("GET", "/v1/rows/french", 200))["source"] == "trending"


async def test_rows_are_for_editors_and_say_one_thing(page: Page) -> None:
    async with page.client.get("/v1/rows") as answer:
        assert answer.status == 403
    for body in ({"name": "A"}, {"name": "", "titles": ["a"]}, {"name": "A", "titles": ["../a"]}):
        await page.ask("PUT", "/v1/rows/a", 400, body)
    await page.ask("PUT", "/v1/rows/A_b", 400, {"name": "A", "titles": ["a"]})

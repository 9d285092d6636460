"""Domains are mounted together, work while the application runs, know of each other, and stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from aiohttp import web

from config.service import Service, Trending
from config.topology import Topology
from origin.domains.app import FilmService
from tests.helpers.people import CHEAP, Person, join, sign_in
from tests.origin.conftest import RunningOrigin, StartOrigin


class Clockwork:
    """A domain that says when its work began and ended."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.began = asyncio.Event()

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get("/clock", self.tell)]

    async def tell(self, request: web.Request) -> web.Response:
        return web.Response(text="tick")

    async def run(self) -> None:
        self.said.append("began")
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.said.append("ended")


async def test_domains_work_while_the_application_runs() -> None:
    domain, app = Clockwork(), web.Application()
    FilmService([domain]).mount(app)
    runner = web.AppRunner(app)
    await runner.setup()
    await domain.began.wait()
    assert [resource.canonical for resource in app.router.resources()] == ["/clock"]
    await runner.cleanup()
    assert domain.said == ["began", "ended"]


@pytest.fixture
async def cinema(start_origin: StartOrigin, database_url: str) -> AsyncIterator[RunningOrigin]:
    """An origin whose film service counts what is watched at once."""
    service = Service(accounts=CHEAP, trending=Trending(look_seconds=0.05))
    topology = Topology(service=service)
    async with start_origin(topology, database=database_url) as running:
        client = running.client
        (await client.put("/v1/content/film", data=b"film")).raise_for_status()
        for title_id, age in (("alien", 16), ("bambi", 0)):
            title = {"title": title_id, "media": "film", "age": age, "genres": ["Odd"]}
            (await client.put(f"/v1/titles/{title_id}", json=title)).raise_for_status()
        yield running


async def shown(person: Person, path: str) -> list[str]:
    """Titles that a list shows, or the row of the home page that is called so."""
    answer = await person.call("GET", path)
    assert answer.status == 200, answer.body
    rows = answer.body.get("rows", [{"id": "trending", **answer.body}])
    rows = [row for row in rows if row["id"] == "trending"]
    return [item["id"] for row in rows for item in row["items"]]


async def test_what_is_played_is_logged_counted_shown_and_erased(cinema: RunningOrigin) -> None:
    database = cinema.parts.catalog.database
    anna = await join(cinema.client, database, "anna@films.example")
    child = await join(cinema.client, database, "ben@films.example", age_max=6)
    for person, titles in ((anna, ("alien", "bambi")), (child, ("bambi",))):
        for title_id in titles:
            begun = await person.call("POST", "/v1/playback", {"title_id": title_id})
            assert begun.status == 201, begun.body
            stream = f"/v1/playback/{begun.body['session_id']}"
            beat = {"counter": begun.body["counter"] + 1, "position_seconds": 61.5}
            assert (await person.call("POST", f"{stream}/heartbeat", beat)).status == 204
            assert (await person.call("DELETE", stream)).status == 204
    async with asyncio.timeout(30):
        while await shown(anna, "/v1/trending") != ["bambi", "alien"]:
            pass
    assert await shown(anna, "/v1/home") == ["bambi", "alien"]
    assert await shown(child, "/v1/home") == ["bambi"]
    assert await shown(child, "/v1/trending?category=genre.odd") == ["bambi"]
    assert (await child.call("GET", "/v1/trending?category=genre.even")).status == 404

    kept = (await anna.call("GET", "/v1/activity")).body["items"]
    assert [(each["kind"], each["title_id"], each["position_seconds"]) for each in kept] == [
        *(("stop", "bambi", 61.5), ("heartbeat", "bambi", 61.5), ("play", "bambi", 0.0)),
        *(("stop", "alien", 61.5), ("heartbeat", "alien", 61.5), ("play", "alien", 0.0)),
    ]
    exported = (await anna.call("GET", "/v1/accounts/me/export")).body
    assert len(exported["more"]["activity"]["events"]) == 6
    gone = await anna.call("DELETE", f"/v1/profiles/{anna.profile}")
    assert gone.status == 204
    again = await sign_in(cinema.client, anna.email)
    left = (await again.call("GET", "/v1/accounts/me/export")).body
    assert [left["more"][name] for name in ("history", "streams")] == [[], []]
    assert left["more"]["activity"]["events"] == []

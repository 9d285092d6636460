"""The admin port of an edge describes all of itself, and asks for the scope it says."""

from __future__ import annotations

import httpx
import pytest
from aiohttp import web

from cdnkit.errors import UnauthorizedError
from cdnkit.service.health import Health
from cdnkit.service.openapi import describe_api, undeclared
from cdnkit.service.run import serve
from edge.admin import Admin, build_admin
from edge.drain import DrainMark
from edge.scoreboard import Scoreboard, Tally
from edge.totals import Totals


def refuse(request: web.Request, scope: str) -> str:
    raise UnauthorizedError(scope)


@pytest.fixture
def app() -> web.Application:
    return build_admin(
        Admin("edge-1", Tally(Totals, Scoreboard(1), 0), DrainMark(), refuse, Health(), dict)
    )


def test_document_misses_no_route(app: web.Application) -> None:
    assert undeclared(app) == []
    assert {"/v1/drain", "/v1/players", "/v1/disks", "/metrics"} <= set(
        describe_api(app, "", "", "")["paths"]
    )


async def test_every_route_asks_for_the_scope_it_declares(app: web.Application) -> None:
    async with (
        serve(app, "127.0.0.1", 0) as listening,
        httpx.AsyncClient(base_url=listening.url, timeout=60) as client,
    ):
        api = (await client.get("/openapi.json")).raise_for_status().json()
        for path, item in api["paths"].items():
            for method, said in item.items():
                answer = await client.request(method, path.replace("{name}", "docs.js"))
                assert (answer.status_code == 401) == ("security" in said), (method, path)
                if "security" in said:
                    assert answer.json()["detail"] == said["security"][0]["token"][0]

"""Claims about asking every process at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer

from cdnkit.dates import format_http_date
from scripts.overview.looking import Seen, clock_ahead, look
from tests.scripts.overview.seen import EDGE, ORIGIN, ROUTER


@pytest.fixture
async def server() -> AsyncIterator[BaseTestServer]:
    async def ready(request: web.Request) -> web.Response:
        return web.json_response({"status": "draining", "checks": {}}, status=503)

    async def metrics(request: web.Request) -> web.Response:
        return web.Response(text="a_total 3.0\n")

    async def fleet(request: web.Request) -> web.Response:
        return web.json_response({"edges": []})

    async def list_for_ready(request: web.Request) -> web.Response:
        return web.json_response([])

    app = web.Application()
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/v1/fleet", fleet)
    app.router.add_get("/odd/readyz", list_for_ready)
    app.router.add_get("/bare/readyz", ready)
    async with TestServer(app) as running:
        yield running


async def looked(server: BaseTestServer, path: str = "") -> list[Seen]:
    url = str(server.make_url(path)).rstrip("/")
    nodes = [replace(each, url=url) for each in (EDGE, ORIGIN, ROUTER)]
    return await asyncio.to_thread(look, nodes)


async def test_each_says_whether_it_is_ready_and_its_figures(server: BaseTestServer) -> None:
    seen = await looked(server)
    assert [each.tier for each in seen] == ["edge", "origin", "router"]
    for each in seen:
        assert (each.ready, each.readiness["status"], each.error) == (False, "draining", "")
        assert each.figures.total("a_total") == 3
    assert [each.fleet for each in seen] == [{}, {}, {"edges": []}]


async def test_figures_and_fleet_may_be_missing(server: BaseTestServer) -> None:
    for each in await looked(server, "/bare"):
        assert (each.error, each.figures.samples, each.fleet) == ("", (), {})


async def test_what_is_no_answer_is_an_error(server: BaseTestServer) -> None:
    assert all("/readyz" in each.error for each in await looked(server, "/odd"))
    assert all(each.error for each in await looked(server, "/nothing"))


def test_nobody_there_is_an_error_of_that_process_alone() -> None:
    (seen,) = look([replace(EDGE, url="http://127.0.0.1:1")])
    assert seen.error
    assert not seen.ready


async def test_many_that_answer_late_hold_up_nobody() -> None:
    """More than an HTTP client's usual hundred have to be under way before one is answered."""
    waiting, all_there = 0, asyncio.Event()

    async def ready(request: web.Request) -> web.Response:
        nonlocal waiting
        waiting += 1
        if waiting == 150:
            all_there.set()
        await all_there.wait()
        return web.json_response({"status": "ready", "checks": {}})

    app = web.Application()
    app.router.add_get("/readyz", ready)
    async with TestServer(app) as server:
        node = replace(ORIGIN, url=str(server.make_url("/")))
        seen = await asyncio.to_thread(look, [node] * 150, 30.0)
    assert all(each.ready for each in seen)


async def test_a_process_with_another_time_is_ahead() -> None:
    async def ready(request: web.Request) -> web.Response:
        headers = {"Date": format_http_date(time.time() + 3_600)}
        return web.json_response({"status": "ready", "checks": {}}, headers=headers)

    app = web.Application()
    app.router.add_get("/readyz", ready)
    async with TestServer(app) as server:
        node = replace(ORIGIN, url=str(server.make_url("/")))
        (seen,) = await asyncio.to_thread(look, [node])
    assert 3_500 < seen.ahead_seconds <= 3_600


@pytest.mark.parametrize(
    ("told", "asked_at", "answered_at", "ahead"),
    [
        (1000, 1000.2, 1000.4, 0.0),
        (1000, 999.9, 1000.1, 0.0),
        (1000, 1000.9, 1001.2, 0.0),
        (1000, 990.0, 990.5, 9.5),
        (1000, 1010.0, 1010.5, -9.0),
    ],
)
def test_a_clock_is_off_by_what_no_second_and_no_way_explains(
    told: int, asked_at: float, answered_at: float, ahead: float
) -> None:
    assert clock_ahead(format_http_date(told), asked_at, answered_at) == pytest.approx(ahead)


def test_without_a_date_no_clock_is_off() -> None:
    assert clock_ahead("", 0.0, 0.0) == 0.0
    assert clock_ahead("soon", 0.0, 0.0) == 0.0

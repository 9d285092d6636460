"""Countries come from a router, once for each address, and nobody is hurt when it is silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, make_mocked_request

from origin.domains.playback.territory import (
    REMEMBERED_SECONDS,
    RETRY_SECONDS,
    Territories,
)
from tests.helpers.clock import FakeClock


class Router:
    """A router that knows one country and counts who asks."""

    def __init__(self, country: object = "DE", status: int = 200) -> None:
        self.asked: list[str] = []
        self._body = {"place": {"country": country}}
        self._status = status

    async def route(self, request: web.Request) -> web.Response:
        self.asked.append(request.query["ip"])
        return web.json_response(self._body, status=self._status)


@asynccontextmanager
async def territories(router: Router, clock: FakeClock) -> AsyncIterator[Any]:
    app = web.Application()
    app.add_routes([web.get("/v1/route", router.route)])
    async with TestServer(app) as server:
        found = Territories(
            str(server.make_url("/")), lambda request: request.headers["From"], clock
        )
        work = asyncio.create_task(found.run())
        await found.opened.wait()

        async def find(address: str) -> str:
            return await found.find(make_mocked_request("GET", "/", {"From": address}))

        yield find
        work.cancel()


async def test_router_is_asked_once_for_each_address_and_again_after_a_while() -> None:
    router, clock = Router(), FakeClock()
    async with territories(router, clock) as find:
        assert await find("192.0.2.1") == "DE"
        assert await find("192.0.2.1") == "DE"
        assert await find("2001:db8::1") == "DE"
        clock.advance(REMEMBERED_SECONDS + 1)
        assert await find("192.0.2.1") == "DE"
    assert router.asked == ["192.0.2.1", "2001:db8::1", "192.0.2.1"]


@pytest.mark.parametrize("router", [Router(None), Router(5), Router("DE", 503)])
async def test_country_that_nobody_knows_is_empty(router: Router) -> None:
    async with territories(router, FakeClock()) as find:
        assert await find("192.0.2.1") == ""


async def test_router_that_did_not_answer_is_asked_again_after_a_moment() -> None:
    router, clock = Router("DE", 503), FakeClock()
    async with territories(router, clock) as find:
        await find("192.0.2.1")
        await find("192.0.2.2")
        assert len(router.asked) == 1
        clock.advance(RETRY_SECONDS)
        await find("192.0.2.1")
    assert len(router.asked) == 2


async def test_without_a_router_nobody_is_asked() -> None:
    found = Territories("", lambda request: "192.0.2.1", FakeClock())
    assert await found.find(make_mocked_request("GET", "/")) == ""

"""What an application owes whatever its tier."""

from __future__ import annotations

import pytest
from aiohttp import web

from cdnkit.errors import UnauthorizedError
from cdnkit.service.app import ACCESS_LOG, HEALTH, TELEMETRY, build_app
from cdnkit.service.health import Health
from cdnkit.service.metrics import Telemetry
from tests.cdnkit.service.conftest import Start


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def test_figures_are_served_and_count_themselves(start: Start) -> None:
    rig = await start()
    for _ in range(2):
        async with rig.client.get(rig.url("/metrics")) as answer:
            text = await answer.text()
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert 'route="/metrics"' in text
    assert "cinedge_build_info" in text


async def test_our_own_server_name_and_no_version_of_it(start: Start) -> None:
    async def proxied(request: web.Request) -> web.Response:
        return web.Response(headers={"Server": "parent/1", "X-Request-Id": "parents"})

    rig = await start([web.get("/hello", hello), web.get("/proxied", proxied)])
    async with rig.client.get(rig.url("/hello")) as answer:
        assert answer.headers["Server"] == "cinedge"
    async with rig.client.get(rig.url("/proxied")) as answer:
        assert answer.headers["Server"] == "parent/1"
        assert answer.headers.getall("X-Request-Id") != ["parents"]
        assert len(answer.headers.getall("X-Request-Id")) == 1


@pytest.mark.parametrize(
    ("path", "status"), [("/hello", 401), ("/metrics", 401), ("/livez", 200), ("/readyz", 200)]
)
async def test_authorize_guards_all_but_health(start: Start, path: str, status: int) -> None:
    def nobody(request: web.Request) -> None:
        raise UnauthorizedError("Not you.")

    rig = await start([web.get("/hello", hello)], authorize=nobody)
    async with rig.client.get(rig.url(path)) as answer:
        assert answer.status == status


async def test_authorize_that_returns_lets_pass(start: Start) -> None:
    rig = await start([web.get("/hello", hello)], authorize=lambda _: None)
    async with rig.client.get(rig.url("/hello")) as answer:
        assert await answer.text() == "hello"


async def test_the_log_is_written_and_closed_with_the_application(start: Start) -> None:
    rig = await start([web.get("/hello", hello)])
    async with rig.client.get(rig.url("/hello")):
        pass
    await rig.stack.aclose()
    assert [line["path"] for line in rig.sink.lines()] == ["/hello"]
    assert rig.sink.closed


def test_two_applications_share_nothing() -> None:
    first, second = (
        build_app(tier="edge", name=name, telemetry=Telemetry("edge", name), health=Health())
        for name in ("e1", "e2")
    )
    for key in (HEALTH, TELEMETRY, ACCESS_LOG):
        assert first[key] is not second[key]

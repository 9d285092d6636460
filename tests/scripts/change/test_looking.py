"""What a change sees of processes, and where it asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer

from cdnkit.service.app import build_app
from cdnkit.service.certificates import Certificates
from cdnkit.service.health import Health
from cdnkit.service.metrics import Telemetry
from cdnkit.service.run import serve
from config.topology import Address, EdgeNode, RouterNode, Tls
from scripts.change.looking import Looks, base_of
from scripts.cli.errors import FailedError
from tests.helpers.authority import Authority

EDGE = EdgeNode("e", "s", Address("127.0.0.1", 9001), (), url="http://192.0.2.1:9001")


def test_edges_are_asked_at_their_admin_address() -> None:
    assert base_of(EDGE) == "http://192.0.2.1:9001"
    assert base_of(replace(EDGE, admin=Address("127.0.0.1", 9101))) == "http://127.0.0.1:9101"
    assert base_of(replace(EDGE, admin=Address("0.0.0.0", 9101))) == "http://192.0.2.1:9101"
    secure = replace(EDGE, admin=Address("127.0.0.1", 9101), admin_tls=Tls("c", "k"))
    assert base_of(secure) == "https://127.0.0.1:9101"


@pytest.fixture
async def server() -> AsyncIterator[BaseTestServer]:
    async def ready(request: web.Request) -> web.Response:
        return web.json_response({"status": "draining", "topology": "abc"}, status=503)

    async def fleet(request: web.Request) -> web.Response:
        states = {"a": "up", "b": "suspect", "c": "draining"}
        return web.json_response({"edges": [{"name": n, "state": s} for n, s in states.items()]})

    async def drain(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer t":
            return web.json_response({}, status=401)
        return web.json_response({"draining": request.method == "PUT", "streams": 0})

    app = web.Application()
    app.router.add_get("/readyz", ready)
    app.router.add_get("/v1/fleet", fleet)
    app.router.add_route("*", "/v1/drain", drain)
    async with TestServer(app) as running:
        yield running


@pytest.mark.parametrize("believed", [True, False])
async def test_an_admin_address_in_tls_is_asked_for_a_drain_only_when_it_is_believed(
    believed: bool, tmp_path: Path
) -> None:
    async def drain(request: web.Request) -> web.Response:
        return web.json_response({"draining": True})

    ours, strange = Authority(tmp_path / "ours"), Authority(tmp_path / "strange")
    app = build_app(
        tier="edge",
        name="e",
        telemetry=Telemetry("edge", "e"),
        health=Health(),
        routes=[web.get("/v1/drain", drain)],
    )
    certificates = Certificates(ours.certificate("e"))
    looks = Looks({}, (str((ours if believed else strange).file),))
    async with serve(app, "127.0.0.1", 0, certificates=certificates) as at:
        edge = replace(EDGE, admin=Address(at.host, at.port), admin_tls=ours.certificate("f"))
        if believed:
            assert (await asyncio.to_thread(looks.drain, edge))["draining"]
        else:
            with pytest.raises(FailedError, match="certificate verify failed"):
                await asyncio.to_thread(looks.drain, edge)
    looks.close()


async def test_what_processes_say_is_read(server: BaseTestServer) -> None:
    url = str(server.make_url("")).rstrip("/")
    edge, router = replace(EDGE, url=url), RouterNode("r", EDGE.listen, url)
    looks = Looks({"Authorization": "Bearer t"})
    ready, body = await asyncio.to_thread(looks.readiness, edge)
    assert (ready, body["topology"]) == (False, "abc")
    takes = [await asyncio.to_thread(looks.takes_viewers, router, name) for name in "abcd"]
    assert takes == [True, True, False, False]
    assert (await asyncio.to_thread(looks.drain, edge, "PUT"))["draining"]
    looks.close()
    stranger = Looks({})
    with pytest.raises(FailedError, match=r"e: .*401"):
        await asyncio.to_thread(stranger.drain, edge)
    stranger.close()


def test_who_does_not_answer_says_nothing() -> None:
    gone = replace(EDGE, url="http://127.0.0.1:1")
    looks = Looks({})
    assert looks.readiness(gone) == (False, {})
    assert looks.takes_viewers(RouterNode("r", EDGE.listen, gone.url), "a") is None
    with pytest.raises(FailedError):
        looks.warm(gone.url, "e", ["a"])
    looks.close()

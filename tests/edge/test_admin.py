"""The admin port of an edge describes all of itself, and asks for the scope it says."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from cdnkit.errors import UnauthorizedError
from cdnkit.service.certificates import believing
from cdnkit.service.health import Health
from cdnkit.service.openapi import describe_api, undeclared
from cdnkit.service.run import serve
from config.topology import Address, Tls
from edge.admin import Admin, build_admin
from edge.app import worker
from edge.drain import DrainMark
from edge.scoreboard import Scoreboard, Tally
from edge.totals import Totals
from tests.edge.conftest import Plan
from tests.helpers.authority import Authority


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


def put_in_place(renewed: Tls, used: Tls) -> None:
    Path(used.key).write_bytes(Path(renewed.key).read_bytes())
    Path(used.certificate).write_bytes(Path(renewed.certificate).read_bytes())


async def answers(url: str, trust: ssl.SSLContext) -> bool:
    async with httpx.AsyncClient(verify=trust) as client:
        try:
            return (await client.get(url)).is_success
        except httpx.ConnectError:
            return False


async def test_it_is_in_tls_with_a_certificate_of_its_own_that_can_be_renewed(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cdnkit.service.certificates.LOOK_SECONDS", 0.01)
    authority, successor = Authority(tmp_path), Authority(tmp_path / "next")
    tls = replace(authority.certificate("admin"), oldest_version="TLSv1.3")
    plan.admin = Address("127.0.0.1", 0)
    node = replace(plan.node(), admin_tls=tls)
    async with worker(node, plan.topology()) as running:
        assert running.admin_url is not None
        assert running.admin_url.startswith("https://")
        url = f"{running.admin_url}/metrics"
        async with httpx.AsyncClient(verify=believing(str(authority.file))) as client:
            assert (await client.get(url)).is_success
        with pytest.raises(httpx.TransportError):
            async with httpx.AsyncClient() as client:
                await client.get(url.replace("https", "http"))
        put_in_place(successor.certificate("admin"), tls)
        trust = believing(str(successor.file))
        async with asyncio.timeout(20):
            while not await answers(url, trust):  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0.01)

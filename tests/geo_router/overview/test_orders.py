"""Orders are asked of an origin with the caller's token, and its refusals are passed on."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cdnkit.service.certificates import make_context
from cdnkit.service.run import serve
from config.topology import AccessToken, Address, OriginNode
from geo_router.app import build_router
from geo_router.overview import orders
from tests.geo_router.test_handlers import GEO
from tests.geo_router.worlds import router_node, topology_of
from tests.helpers.authority import Authority

TOKEN = AccessToken("ann", ("operate", "purge"), "secret-of-ann")
HEADERS = {"Authorization": "Bearer secret-of-ann"}


class Origin:
    """Answers lists of orders as it is told, and remembers who asked for what."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b'{"items": []}'
        self.asked: list[tuple[str, str | None]] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((str(request.rel_url), request.headers.get("Authorization")))
        return web.Response(status=self.status, body=self.body, content_type="application/json")


@asynccontextmanager
async def asked(
    *,
    guarded: bool = True,
    dead_first: bool = False,
    context: ssl.SSLContext | None = None,
    authorities: str = "",
) -> AsyncIterator[tuple[Origin, str, aiohttp.ClientSession]]:
    origin, app = Origin(), web.Application()
    app.router.add_get("/v1/{list}", origin.answer)
    server = TestServer(app)
    await server.start_server(ssl=context)
    async with server:
        address = Address("127.0.0.1", server.port or 0)
        url = f"https://{address}" if context else ""
        nodes = [OriginNode("origin", address, data="x", url=url)]
        if dead_first:
            nodes.insert(0, OriginNode("dead", Address("127.0.0.1", 9), data="y"))
        topology = replace(
            topology_of([], GEO),
            origins=tuple(nodes),
            access_tokens=(TOKEN,) if guarded else (),
            authorities=authorities,
        )
        router = build_router(router_node(), topology)
        async with (
            router.running(),
            serve(router.application, "127.0.0.1", 0) as listening,
            aiohttp.ClientSession() as http,
        ):
            yield origin, f"{listening.url}{orders.ORDERS_PATH}", http


@pytest.mark.parametrize("kind", ["purges", "warms", "pins"])
async def test_each_kind_is_asked_with_the_token_of_who_asks(kind: str) -> None:
    async with asked() as (origin, url, http):
        async with http.get(f"{url}?kind={kind}&limit=7", headers=HEADERS) as answer:
            assert (answer.status, await answer.json()) == (200, {"items": []})
        assert origin.asked == [(f"/v1/{kind}?limit=7", HEADERS["Authorization"])]


async def test_nobody_without_a_token_reaches_the_origin() -> None:
    async with asked() as (origin, url, http):
        async with http.get(url) as answer:
            assert answer.status == 401
        assert origin.asked == []
    async with asked(guarded=False) as (origin, url, http):
        async with http.get(url, headers={"Host": "router.example"}) as answer:
            assert answer.status == 403
        assert origin.asked == []
        async with http.get(url) as answer:
            assert answer.status == 200


@pytest.mark.parametrize(("status", "told"), [(401, 401), (403, 403), (404, 503), (500, 503)])
async def test_what_an_origin_refuses_is_refused(status: int, told: int) -> None:
    async with asked() as (origin, url, http):
        origin.status = status
        async with http.get(url, headers=HEADERS) as answer:
            assert answer.status == told
            assert answer.content_type == "application/problem+json"
            assert "origin" in (await answer.json())["detail"]


@pytest.mark.parametrize(
    ("body", "said"),
    [(b'{"detail": "from is after to"}', "from is after to"), (b"[]", "without a reason")],
)
async def test_what_an_origin_finds_wrong_is_the_callers_to_mend(body: bytes, said: str) -> None:
    async with asked() as (origin, url, http):
        origin.status, origin.body = 400, body
        path = url.replace(orders.ORDERS_PATH, orders.COSTS_PATH)
        async with http.get(path, headers=HEADERS) as answer:
            assert (answer.status, answer.content_type) == (400, "application/problem+json")
            assert said in (await answer.json())["detail"]
        assert len(origin.asked) == 1


async def test_an_origin_in_tls_is_believed_by_the_authorities_of_the_topology(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    tls = authority.certificate("origin")
    context = make_context(Path(tls.certificate), Path(tls.key))
    for authorities, told in ((str(authority.file), 200), ("", 503)):
        async with asked(context=context, authorities=authorities) as (origin, url, http):
            async with http.get(url, headers=HEADERS) as answer:
                assert answer.status == told
            assert len(origin.asked) == (told == 200)


async def test_the_next_origin_is_asked_when_one_is_dead() -> None:
    async with asked(dead_first=True) as (origin, url, http):
        async with http.get(url, headers=HEADERS) as answer:
            assert answer.status == 200
        assert len(origin.asked) == 1


async def test_an_endless_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "BODY_BYTES_MAX", 100)
    async with asked() as (origin, url, http):
        origin.body = bytes(1000)
        async with http.get(url, headers=HEADERS) as answer:
            assert answer.status == 503


@pytest.mark.parametrize(
    ("query", "passed"),
    [
        ("", "/v1/costs?by=title&limit=100"),
        (
            "?from=2026-11-01&to=2026-11-30&by=day&limit=7",
            "/v1/costs?from=2026-11-01&to=2026-11-30&by=day&limit=7",
        ),
    ],
)
async def test_costs_are_asked_with_the_token_of_who_asks(query: str, passed: str) -> None:
    async with asked() as (origin, url, http):
        path = url.replace(orders.ORDERS_PATH, orders.COSTS_PATH)
        async with http.get(path + query, headers=HEADERS) as answer:
            assert (answer.status, await answer.json()) == (200, {"items": []})
        assert origin.asked == [(passed, HEADERS["Authorization"])]


@pytest.mark.parametrize("query", ["?by=viewer", "?from=soon", "?limit=0", "?format=csv"])
async def test_questions_for_costs_that_cannot_be_reach_no_origin(query: str) -> None:
    async with asked() as (origin, url, http):
        path = url.replace(orders.ORDERS_PATH, orders.COSTS_PATH)
        async with http.get(path + query, headers=HEADERS) as answer:
            assert (answer.status, answer.content_type) == (400, "application/problem+json")
        assert origin.asked == []

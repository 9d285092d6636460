"""Claims about asking edges for what nobody has."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from aiohttp import web
from aiohttp.test_utils import TestServer

from config.topology import Route, Topology
from scripts.doctor.running import ask_edges
from scripts.overview.looking import Seen
from tests.scripts.overview.seen import EDGE, ORIGIN


async def test_edges_that_answer_are_asked_and_what_they_say_is_kept() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=502)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server:
        url = str(server.make_url("/"))
        seen = [
            Seen(replace(EDGE, url=url), url),
            Seen(replace(EDGE, name="e2", url="http://127.0.0.1:1"), ""),
            Seen(replace(EDGE, name="e3"), "", error="refused"),
            Seen(ORIGIN, ""),
        ]
        topology = Topology(routes=(Route("/a/", token=True), Route("/films/")))
        statuses = await asyncio.to_thread(ask_edges, topology, seen, "mark")
    assert statuses == {"e1": 502, "e2": None}
    assert asked == ["/films/cinedge-doctor/mark"]


def test_where_every_route_wants_a_token_nobody_is_asked() -> None:
    topology = Topology(routes=(Route(token=True),))
    assert ask_edges(topology, [Seen(EDGE, "http://127.0.0.1:1")], "m") == {}

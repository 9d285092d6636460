"""The overview over a real server: the picture, its history, the stream, what needs a token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from cdnkit.service.run import serve
from config.topology import AccessToken, Topology
from geo_router.app import Router, build_router
from geo_router.overview import desk
from geo_router.overview.declared import HistoryView, OverviewView, TitlesView
from tests.geo_router.test_handlers import GEO
from tests.geo_router.worlds import FAILED, READY, edges_of, router_node, topology_of

EDGES = edges_of({"nyc": 2})
TOPOLOGY = topology_of(EDGES, GEO)


@asynccontextmanager
async def asked(
    topology: Topology = TOPOLOGY, grace_seconds: float = 0.2
) -> AsyncIterator[tuple[Router, str, aiohttp.ClientSession]]:
    router = build_router(router_node(), topology)
    for edge in topology.edges:
        router.fleet.observe(edge.name, READY, 1.0)
    async with (
        serve(router.application, "127.0.0.1", 0, grace_seconds=grace_seconds) as listening,
        aiohttp.ClientSession() as http,
    ):
        yield router, listening.url, http


async def next_event(stream: aiohttp.StreamReader) -> tuple[str, str, Any]:
    lines = dict[str, str]()
    while True:
        line = (await stream.readline()).decode().rstrip("\n")
        if not line and lines:
            return lines["id"], lines["event"], json.loads(lines["data"])
        name, _, value = line.partition(": ")
        lines[name] = value


async def test_the_picture_and_the_history_are_as_documented() -> None:
    async with asked() as (router, url, http):
        router.overview.tick()
        async with http.get(f"{url}/films/a.mp4", allow_redirects=False) as answer:
            assert answer.status == 302
        async with http.get(f"{url}/v1/overview") as answer:
            view = OverviewView.model_validate(await answer.json())
            assert answer.headers["Cache-Control"] == "no-store"
        assert set(view.edges) == {"nyc-0", "nyc-1"}
        assert (view.router, view.flows[0].site, view.flows[0].latitude) == ("router-1", "nyc", 40)
        async with http.get(f"{url}/v1/overview/history") as answer:
            history = HistoryView.model_validate(await answer.json())
        assert history.fine.series["serving_edges"] == [2]


async def test_a_state_is_told_at_the_moment_it_changes() -> None:
    async with asked() as (router, url, http), http.get(f"{url}/v1/overview/events") as answer:
        assert answer.content_type == "text/event-stream"
        _, name, picture = await next_event(answer.content)
        assert (name, picture["router"]) == ("picture", "router-1")
        router.fleet.observe("nyc-0", FAILED, 2.0)
        router.overview.changed("nyc-0")
        _, name, change = await next_event(answer.content)
        assert (name, change["edges"]["nyc-0"]["state"]) == ("change", "suspect")
        router.overview.tick()
        position, name, _ = await next_event(answer.content)
        assert name == "tick"
        async with http.get(
            f"{url}/v1/overview/events", headers={"Last-Event-ID": position}
        ) as again:
            router.overview.tick()
            assert (await next_event(again.content))[1] == "tick"


async def test_streams_end_with_the_process_and_do_not_hold_it_up() -> None:
    async with asyncio.timeout(20):
        async with aiohttp.ClientSession() as http:
            async with asked(grace_seconds=60) as (_, url, _):
                answer = await http.get(f"{url}/v1/overview/events")
                await next_event(answer.content)
            assert await answer.content.read() == b""
            answer.close()


async def test_who_takes_nothing_is_let_go_with_its_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(desk, "SEND_SECONDS_MAX", 0.05)
    async with asyncio.timeout(20), asked() as (router, url, _):
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(b"GET /v1/overview/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        listeners = router.overview.hub._listeners
        while listeners:
            router.overview.hub.publish("tick", {"much": "x" * (1 << 20)})
            await asyncio.sleep(0.01)
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        rest = await reader.read()
        assert rest
        assert not rest.endswith(b"0\r\n\r\n")


async def test_the_history_is_rendered_once_a_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    async with asked() as (router, url, http):
        rendered: list[object] = []
        body = router.overview.board.history.body

        def count() -> dict[str, Any]:
            rendered.append(None)
            return body()

        monkeypatch.setattr(router.overview.board.history, "body", count)
        for ticks in (1, 2):
            router.overview.tick()
            for _ in range(3):
                async with http.get(f"{url}/v1/overview/history") as answer:
                    fine = HistoryView.model_validate(await answer.json()).fine
                assert len(fine.series["streams"]) == len(rendered) == ticks


async def test_titles_are_for_operators_alone() -> None:
    token = AccessToken("ann", ("operate",), "secret-of-ann")
    async with asked(replace(TOPOLOGY, access_tokens=(token,))) as (_, url, http):
        async with http.get(f"{url}/films/a.mp4", allow_redirects=False):
            pass
        async with http.get(f"{url}/v1/overview/titles") as answer:
            assert answer.status == 401
        headers = {"Authorization": "Bearer secret-of-ann"}
        async with http.get(f"{url}/v1/overview/titles", headers=headers) as answer:
            view = TitlesView.model_validate(await answer.json())
        assert view.titles[0].key == "/films/a.mp4"
        assert view.titles[0].per_second > 0


async def test_without_tokens_titles_are_for_this_machine_alone() -> None:
    async with asked() as (_, url, http):
        async with http.get(f"{url}/v1/overview/titles") as answer:
            assert answer.status == 200
        foreign = {"Host": "router.example"}
        async with http.get(f"{url}/v1/overview/titles", headers=foreign) as answer:
            assert answer.status == 403

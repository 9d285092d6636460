"""The steering servers over a real server."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import ClientSession

from cdnkit.service.run import serve
from config.topology import Route, RouterSettings
from geo_router.app import Router, build_router
from tests.geo_router.test_handlers import GEO
from tests.geo_router.test_steering import SCHEMA
from tests.geo_router.worlds import DRAINING, READY, edges_of, router_node, topology_of
from tests.helpers.clock import FakeClock

HLS = "/v1/steering/hls/films/a/master.m3u8"


@dataclass
class Steered:
    router: Router
    clock: FakeClock
    url: str
    http: ClientSession


@asynccontextmanager
async def steered(
    settings: RouterSettings | None = None, routes: tuple[Route, ...] = (Route(),)
) -> AsyncIterator[Steered]:
    clock = FakeClock(1000.0)
    edges = [
        dataclasses.replace(each, url=f"http://{each.name}.example")
        for each in edges_of({"nyc": 2, "fra": 1})
    ]
    node = dataclasses.replace(router_node(settings), url="http://router.example")
    topology = dataclasses.replace(topology_of(edges, GEO), routes=routes)
    router = build_router(node, topology, now=clock, chance=lambda: 0.5)
    for edge in edges:
        router.fleet.observe(edge.name, READY, 1000.0)
    async with (
        serve(router.application, "127.0.0.1", 0, grace_seconds=0.2) as listening,
        ClientSession() as http,
    ):
        yield Steered(router, clock, listening.url, http)


async def test_a_player_is_steered_and_drain_changes_the_answer_at_once() -> None:
    async with steered() as at:
        async with at.http.get(f"{at.url}{HLS}?pathways=nyc-0,nyc-1") as answer:
            assert answer.status == 200
            assert answer.content_type == "application/json"
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            body = await answer.json()
        SCHEMA.validate(body)
        assert set(body["PATHWAY-PRIORITY"][:2]) == {"nyc-0", "nyc-1"}
        assert body["PATHWAY-PRIORITY"][2] == "fra-0"
        assert body["TTL"] == 10
        best = body["PATHWAY-PRIORITY"][0]
        at.clock.advance(300)
        at.router.fleet.observe(best, DRAINING, at.clock())
        async with at.http.get(body["RELOAD-URI"]) as answer:
            after = await answer.json()
        SCHEMA.validate(after)
        assert best not in after["PATHWAY-PRIORITY"]
        assert after["TTL"] == 10
        assert after["RELOAD-URI"] == body["RELOAD-URI"]
        at.clock.advance(900)
        async with at.http.get(body["RELOAD-URI"]) as answer:
            assert (await answer.json())["TTL"] == 300


async def test_dash_is_steered_by_clones_of_the_router_unless_paths_carry_tokens() -> None:
    ask = "/v1/steering/dash/play/a/1/manifest.mpd?pathways=router,base"
    async with steered() as at, at.http.get(at.url + ask) as answer:
        body = await answer.json()
    SCHEMA.validate(body)
    assert [(c["BASE-ID"], c["ID"]) for c in body["PATHWAY-CLONES"]] == [
        ("router", edge) for edge in body["PATHWAY-PRIORITY"][:-1]
    ]
    assert body["PATHWAY-PRIORITY"][-1] == "router"
    assert body["RELOAD-URI"].startswith(at.url + "/v1/steering/dash/play/a/1/manifest.mpd?")
    guarded = (Route(), Route("/play/", token=True))
    async with steered(routes=guarded) as at, at.http.get(at.url + ask) as answer:
        body = await answer.json()
    SCHEMA.validate(body)
    assert body["PATHWAY-PRIORITY"] == ["base"]
    assert "PATHWAY-CLONES" not in body


async def test_what_players_measure_is_shown_in_explanations() -> None:
    async with steered() as at:
        dash = "/v1/steering/dash/films/a.mpd"
        measured = "_DASH_pathway=%22nyc-0,nowhere%22&_DASH_throughput=5000000,1"
        async with at.http.get(f"{at.url}{dash}?{measured}") as answer:
            SCHEMA.validate(await answer.json())
        async with at.http.get(f"{at.url}/v1/explain?title=films/a.mpd&offset=7") as answer:
            told = await answer.json()
        assert told["path"] == "/films/a.mpd"
        assert told["offset_bytes"] == 7
        (kept,) = told["measured"]
        assert (kept["edge"], kept["bits_per_second"]) == ("nyc-0", 5_000_000)
        assert kept["network"] == "127.0.0.0/8"


async def test_a_session_that_is_over_is_gone() -> None:
    async with steered(RouterSettings(steering_session_seconds=60)) as at:
        async with at.http.get(at.url + HLS) as answer:
            reload = (await answer.json())["RELOAD-URI"]
        at.clock.advance(61)
        async with at.http.get(reload) as answer:
            assert answer.status == 410
        async with at.http.get(f"{at.url}{HLS}?_HLS_throughput=fast") as answer:
            assert answer.status == 400


async def test_too_many_players_are_asked_to_wait() -> None:
    async with steered(RouterSettings(steering_per_second_max=2)) as at:
        statuses = []
        for _ in range(3):
            async with at.http.get(at.url + HLS) as answer:
                statuses.append(answer.status)
                retry_after = answer.headers.get("Retry-After")
        assert statuses == [200, 200, 429]
        assert retry_after == "6"
        async with at.http.options(at.url + HLS) as answer:
            assert answer.status == 204

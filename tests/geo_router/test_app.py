"""The router as a whole: wired from a topology, with real edges that come and go."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import structlog
from aiohttp import ClientSession

from cdnkit.errors import BadRequestError
from cdnkit.service.certificates import AuthorityError
from cdnkit.service.openapi import describe_api, undeclared
from cdnkit.service.run import serve
from config.locating import Geo
from config.topology import Address, OriginNode, RouterSettings, Topology
from geo_router.app import Router, build_router, run_router
from geo_router.fleet import Fleet, State
from geo_router.front import serve_redirects
from tests.geo_router.scripted_edge import DRAINING, READY, ScriptedEdge
from tests.geo_router.worlds import SITES, edge, router_node, topology_of
from tests.helpers.processes import wait_until

FAST = RouterSettings(probe_interval_seconds=0.05, probe_timeout_seconds=0.2, hold_seconds=0)


class Changes:
    """The router's own word for every change, to wait on."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[str, State]] = asyncio.Queue()

    def __call__(self, name: str, fleet: Fleet) -> None:
        self._queue.put_nowait((name, fleet[name].state))

    async def until(self, name: str, state: State, limit_seconds: float = 5) -> None:
        async with asyncio.timeout(limit_seconds):
            while await self._queue.get() != (name, state):
                pass


@asynccontextmanager
async def cluster(
    settings: RouterSettings, *edges: ScriptedEdge
) -> AsyncIterator[tuple[Router, Changes, str]]:
    nodes = [edge(f"{s.name}-0", s.name, e.port) for s, e in zip(SITES, edges, strict=False)]
    changes = Changes()
    topology = topology_of(nodes, Geo("fra"))
    router = build_router(router_node(settings), topology, chance=lambda: 0.0, on_change=changes)
    async with (
        router.running(),
        serve(router.application, "127.0.0.1", 0, grace_seconds=0.2) as listening,
    ):
        yield router, changes, listening.url


async def location(session: ClientSession, url: str) -> str:
    async with session.get(url + "/films/a.mp4", allow_redirects=False) as answer:
        return answer.headers.get("Location", str(answer.status))


@pytest.mark.alone
async def test_an_edge_that_dies_leaves_new_answers_within_three_seconds() -> None:
    async with (
        ScriptedEdge() as fra,
        ScriptedEdge() as ams,
        ClientSession() as session,
        cluster(RouterSettings(), fra, ams) as (_, changes, url),
    ):
        await changes.until("ams-0", State.UP)
        assert await location(session, url) == f"{fra.url}/films/a.mp4"
        await fra.die()
        await changes.until("fra-0", State.DOWN, limit_seconds=3)
        assert await location(session, url) == f"{ams.url}/films/a.mp4"


async def test_an_edge_that_drains_is_left_at_once_and_returns() -> None:
    async with (
        ScriptedEdge() as fra,
        ScriptedEdge() as ams,
        ClientSession() as session,
        cluster(FAST, fra, ams) as (_, changes, url),
    ):
        await changes.until("ams-0", State.UP)
        fra.status, fra.body = 503, DRAINING
        await changes.until("fra-0", State.DRAINING)
        assert await location(session, url) == f"{ams.url}/films/a.mp4"
        fra.status, fra.body = 200, READY
        await changes.until("fra-0", State.UP)
        assert await location(session, url) == f"{fra.url}/films/a.mp4"


async def test_ready_needs_one_look_at_every_edge_and_only_at_start() -> None:
    async with ScriptedEdge() as fra, ScriptedEdge() as ams, ClientSession() as session:
        await ams.die()
        async with cluster(FAST, fra, ams) as (router, changes, url):
            await changes.until("ams-0", State.DOWN)
            async with session.get(url + "/readyz") as answer:
                assert answer.status == 200
            await fra.die()
            await changes.until("fra-0", State.DOWN)
            async with session.get(url + "/readyz") as answer:
                assert answer.status == 200
            assert await location(session, url) == "503"
            assert router.fleet.is_polled


async def test_states_and_probes_are_shown_in_metrics() -> None:
    async with (
        ScriptedEdge() as fra,
        ClientSession() as session,
        cluster(FAST, fra) as (_, changes, url),
    ):
        await changes.until("fra-0", State.UP)
        async with session.get(url + "/metrics") as answer:
            text = await answer.text()
    assert 'cinedge_router_edge_state{edge="fra-0",state="up"} 1.0' in text
    assert 'cinedge_router_probes_total{edge="fra-0",result="answered"}' in text


async def test_an_unusable_geo_database_does_not_stop_the_router() -> None:
    async with ScriptedEdge() as fra, ClientSession() as session:
        topology = topology_of([edge("fra-0", "fra", fra.port)], Geo("fra", database="/nowhere"))
        changes = Changes()
        router = build_router(router_node(FAST), topology, chance=lambda: 0.0, on_change=changes)
        async with (
            router.running(),
            serve(router.application, "127.0.0.1", 0, grace_seconds=0.2) as listening,
        ):
            await changes.until("fra-0", State.UP)
            assert str(fra.port) in await location(session, listening.url)
            async with session.get(listening.url + "/metrics") as answer:
                assert 'failures_total{kind="absent"} 1.0' in await answer.text()


async def test_a_topology_adopted_at_run_time_changes_every_answer_and_forgets_no_belief() -> None:
    async with (
        ScriptedEdge() as fra,
        ScriptedEdge() as ams,
        ClientSession() as session,
        cluster(FAST, fra) as (router, changes, url),
    ):
        await changes.until("fra-0", State.UP)
        door = serve_redirects(router.application, router.desk, "127.0.0.1", 0, grace_seconds=0.2)
        async with door as lane:
            # One connection from the old topology into the new one.
            assert await location(session, lane.url) == f"{fra.url}/films/a.mp4"
            nodes = [edge("fra-0", "fra", fra.port), edge("ams-0", "ams", ams.port)]
            await router.adopt(router_node(FAST), topology_of(nodes, Geo("ams")))
            assert router.fleet["fra-0"].state is State.UP
            await changes.until("ams-0", State.UP)
            for where in (lane.url, url):
                assert await location(session, where) == f"{ams.url}/films/a.mp4"
            async with session.get(url + "/metrics") as answer:
                assert 'edge_state{edge="ams-0",state="up"} 1.0' in await answer.text()
            await router.adopt(router_node(FAST), topology_of(nodes[1:], Geo("ams")))
            async with session.get(url + "/metrics") as answer:
                assert 'edge_state{edge="fra-0"' not in await answer.text()
            probes = fra.probes
            await ams.die()
            await changes.until("ams-0", State.DOWN)
            assert fra.probes == probes


async def test_a_topology_that_cannot_be_adopted_changes_nothing() -> None:
    async with ScriptedEdge() as fra, cluster(FAST, fra) as (router, changes, _):
        await changes.until("fra-0", State.UP)
        before = router.reign.realm
        with pytest.raises(BadRequestError, match="at least one site"):
            await router.adopt(router_node(FAST), Topology())
        assert router.reign.realm is before
        unreadable = dataclasses.replace(router.reign.realm.topology, authorities="/none.pem")
        with pytest.raises(AuthorityError, match=r"none\.pem"):
            await router.adopt(router_node(FAST), unreadable)
        assert router.reign.realm is before
        await fra.die()
        await changes.until("fra-0", State.DOWN)


async def test_shields_and_origins_are_looked_at_and_named_while_they_answer() -> None:
    async with (
        ScriptedEdge() as fra,
        ScriptedEdge() as shield,
        ScriptedEdge() as behind,
        ClientSession() as session,
    ):
        settings = dataclasses.replace(FAST, shields=(shield.url,), origin_fallback=True)
        origin = OriginNode("origin", Address("127.0.0.1", behind.port), "data", url=behind.url)
        topology = dataclasses.replace(
            topology_of([edge("fra-0", "fra", fra.port)], Geo("fra")), origins=(origin,)
        )
        changes = Changes()
        router = build_router(
            router_node(settings), topology, chance=lambda: 0.0, on_change=changes
        )
        async with (
            router.running(),
            serve(router.application, "127.0.0.1", 0, grace_seconds=0.2) as listening,
        ):
            await changes.until("origin", State.UP)
            await fra.die()
            await changes.until("fra-0", State.DOWN)
            assert await location(session, listening.url) == f"{shield.url}/films/a.mp4"
            await shield.die()
            await changes.until(shield.url, State.DOWN)
            content = f"{behind.url}/v1/content/films/a.mp4"
            assert await location(session, listening.url) == content
            async with session.get(listening.url + "/v1/fleet") as answer:
                resorts = (await answer.json())["resorts"]
            assert [(each["name"], each["state"]) for each in resorts] == [
                (shield.url, "down"),
                ("origin", "up"),
            ]
            await behind.die()
            await changes.until("origin", State.DOWN)
            assert await location(session, listening.url) == "503"


@pytest.fixture
def own_logging() -> Iterator[None]:
    """A process configures its logging; this one has pytest's to keep."""
    root = logging.getLogger()
    handlers, level, config = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**config)


@pytest.mark.usefixtures("own_logging")
def test_a_router_runs_until_it_is_told_to_stop() -> None:
    before = signal.getsignal(signal.SIGTERM)

    def stop_once_it_listens_to_signals() -> None:
        wait_until(lambda: signal.getsignal(signal.SIGTERM) is not before, "it serves")
        os.kill(os.getpid(), signal.SIGTERM)

    stopper = threading.Thread(target=stop_once_it_listens_to_signals)
    stopper.start()
    assert run_router(router_node(FAST), topology_of([], Geo("fra"))) == 0
    stopper.join()


def test_document_misses_no_route() -> None:
    router = build_router(router_node(FAST), topology_of([], Geo("fra")))
    assert undeclared(router.application) == []
    document = describe_api(router.application, "Router", "0", "")
    assert {"/v1/route", "/v1/explain", "/v1/fleet", "/{object_path}"} <= set(document["paths"])

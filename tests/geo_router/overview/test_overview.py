"""The overview is fed by what the router does, and goes over into a new topology."""

from __future__ import annotations

from dataclasses import replace

import pytest

from geo_router.app import build_router
from geo_router.fleet import Observation, Result
from geo_router.overview import overview as module
from geo_router.probe import Target
from geo_router.realm import build_realm
from tests.geo_router.test_handlers import GEO
from tests.geo_router.worlds import FAILED, READY, edges_of, router_node, topology_of

EDGES = edges_of({"nyc": 2})


def test_a_new_topology_is_a_line_and_a_new_picture() -> None:
    router = build_router(router_node(), topology_of(EDGES, GEO))
    overview = router.overview
    overview.tick()
    fewer = build_realm(router_node(), topology_of(EDGES[:1], GEO), 5.0, lambda kind: None)
    router.reign.adopt(fewer)
    overview.tick()
    picture = overview.board.snapshot(6.0)
    assert set(picture["edges"]) == {"nyc-0"}
    texts = [line["text"] for line in picture["journal"]]
    assert texts == ["this router started", "a new topology is in force: 1 edges in 4 sites"]
    overview.changed("nyc-1")  # a look that ends after its edge has left


def test_a_change_is_that_of_the_fleet() -> None:
    router = build_router(router_node(), topology_of(EDGES, GEO))
    for edge in EDGES:
        router.fleet.observe(edge.name, READY, 1.0)
    router.overview.tick()
    router.fleet.observe("nyc-0", FAILED, 2.0)
    router.overview.changed("nyc-0")
    assert router.overview.board.snapshot(2.0)["edges"]["nyc-0"]["state"] == "suspect"


def test_an_edge_of_two_addresses_is_shown_as_its_ipv4_address_tells() -> None:
    both = replace(EDGES[0], addresses=("192.0.2.1", "2001:db8::1"))
    only6 = replace(EDGES[1], addresses=("2001:db8::2",))
    router = build_router(router_node(), topology_of([both, only6], GEO))
    prober, _ = router.look(router.reign.realm)
    busy = Observation(Result.ANSWERED, "ready", 0.001, facts={"streams": 7})
    prober._observe(Target("nyc-0", both.url, (4,)), busy)
    prober._observe(Target("nyc-0", both.url, (6,)), FAILED)
    prober._observe(Target("nyc-1", only6.url, (6,)), busy)
    router.overview.tick()
    assert router.overview.board.snapshot(1.0)["sample"]["streams"] == 14


def test_viewers_are_counted_by_square_and_site() -> None:
    overview = build_router(router_node(), topology_of(EDGES, GEO)).overview
    overview.count((40, -75), "nyc", 3)
    assert overview.board.flows.body()[0]["site"] == "nyc"


async def test_it_ticks_while_it_runs_even_after_a_tick_that_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "TICK_SECONDS", 0.01)
    overview = build_router(router_node(), topology_of(EDGES, GEO)).overview
    tick, failures = overview.board.tick, [RuntimeError("once")]

    def fail_once(*words: object) -> object:
        if failures:
            raise failures.pop()
        return tick(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(overview.board, "tick", fail_once)
    with overview.hub.listening() as listener:
        listener.caught_up()
        async with overview.running():
            event = await listener.next()
    assert event is not None
    assert event.name == "tick"

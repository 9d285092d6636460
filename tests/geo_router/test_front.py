"""The port as a whole: counting, idle connections, draining."""

from __future__ import annotations

from cdnkit.service.app import HEALTH, TELEMETRY
from cdnkit.service.connections import Limits
from geo_router.app import build_router
from geo_router.front import cut_idle, serve_redirects
from geo_router.lane import LaneConnection
from tests.geo_router.test_handlers import GEO
from tests.geo_router.test_lane import PLAIN, ask
from tests.geo_router.worlds import READY, edges_of, router_node, topology_of


async def test_requests_of_the_lane_are_in_every_figure_and_draining_ends_it() -> None:
    edges = edges_of({"nyc": 1})
    router = build_router(router_node(), topology_of(edges, GEO))
    router.fleet.observe("nyc-0", READY, 1.0)
    app = router.application
    door = serve_redirects(app, router.desk, "127.0.0.1", 0, grace_seconds=0.2)
    async with door as listening:
        for _ in range(3):
            assert b" 302 " in await ask(listening.port, PLAIN.format("/a").encode())
        app[HEALTH].started()
        app[HEALTH].drain()
        leaving = await ask(listening.port, PLAIN.format("/a").encode())
        assert b"Connection: close" in leaving
    labels = {"tier": "router", "method": "GET", "route": "/{object_path}", "status": "302"}
    assert app[TELEMETRY].value("cinedge_requests_total", **labels) == 4
    assert (
        app[TELEMETRY].value(
            "cinedge_router_decisions_total", site="nyc", rung="healthy-in-site", source="prefix"
        )
        == 4
    )
    (route,) = router.overview.board.flows.body()
    assert (route["site"], route["latitude"], route["longitude"]) == ("nyc", 40, -75)


class _Shared:
    def __init__(self, *connections: _Idle) -> None:
        self.connections = set(connections)


class _Idle:
    def __init__(self, seen_at: float) -> None:
        self.seen_at = seen_at
        self.closed = False

    def close(self) -> None:
        self.closed = True


async def test_connections_that_ask_for_nothing_are_closed() -> None:
    app = build_router(router_node(), topology_of([], GEO)).application
    limits = Limits(head_timeout_seconds=10, keepalive_timeout_seconds=75)
    fresh, silent, answered = _Idle(95.0), _Idle(80.0), _Idle(0.0)
    shared, known = _Shared(fresh, silent, answered), set[LaneConnection]()
    cut_idle(shared, limits, 100.0, known, app)  # type: ignore[arg-type]
    assert [fresh.closed, silent.closed, answered.closed] == [False, True, False]
    assert answered.seen_at == 100.0
    cut_idle(shared, limits, 170.0, known, app)  # type: ignore[arg-type]
    assert not answered.closed
    cut_idle(shared, limits, 176.0, known, app)  # type: ignore[arg-type]
    assert answered.closed
    crowd = _Shared(*(_Idle(100.0 + number) for number in range(5)))
    cut_idle(crowd, Limits(connections_max=3), 105.0, set[LaneConnection](), app)
    assert sorted(each.seen_at for each in crowd.connections if each.closed) == [103.0, 104.0]

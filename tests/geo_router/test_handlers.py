"""The router's HTTP face over a real server: redirects, lists, preflights, refusals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from cdnkit.service.run import serve
from config.locating import Geo
from geo_router.app import Router, build_router
from tests.geo_router.worlds import DRAINING, READY, edges_of, router_node, take_down, topology_of

GEO = Geo(
    default_site="fra",
    prefixes={"127.0.0.0/8": "nyc", "198.51.100.0/24": "sgp", "2001:db8::/32": "fra"},
    trusted_proxies=("127.0.0.2/32",),
)


@dataclass
class Answer:
    status: int
    fields: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """A server that is asked with raw bytes, because clients tidy targets up."""

    def __init__(self, router: Router, port: int) -> None:
        self.router = router
        self.port = port

    async def ask(
        self, target: str, method: str = "GET", *, source: str = "127.0.0.1", **fields: str
    ) -> Answer:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, local_addr=(source, 0)
        )
        lines = [f"{method} {target} HTTP/1.1", "Host: router.example", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        raw = await reader.read()
        writer.close()
        head, _, body = raw.partition(b"\r\n\r\n")
        status_line, *rest = head.decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in rest)
        return Answer(int(status_line.split()[1]), {n.lower(): v for n, v in pairs}, body)


@asynccontextmanager
async def router_of(sites: dict[str, int], polled: bool = True) -> AsyncIterator[Wire]:
    edges = edges_of(sites)
    router = build_router(router_node(), topology_of(edges, GEO))
    if polled:
        for edge in edges:
            router.fleet.observe(edge.name, READY, 1.0)
    async with serve(router.application, "127.0.0.1", 0, grace_seconds=0.2) as listening:
        yield Wire(router, listening.port)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with router_of({"fra": 1, "nyc": 1, "sgp": 2}) as wire:
        yield wire


async def test_a_read_is_redirected_to_the_nearest_edge_and_not_stored(wire: Wire) -> None:
    answer = await wire.ask("/films/a%20b.mp4?x=%2f", Range="bytes=0-9")
    assert answer.status == 302
    assert answer.fields["location"] == "http://127.0.0.1:9000/films/a%20b.mp4?x=%2f"
    assert answer.fields["cache-control"] == "no-store"
    assert answer.fields["access-control-allow-origin"] == "*"
    assert "Content-Range" in answer.fields["access-control-expose-headers"]
    assert answer.fields["x-request-id"]


@pytest.mark.parametrize(
    ("method", "status"),
    [("HEAD", 302), ("POST", 307), ("PUT", 307), ("DELETE", 307), ("PROPFIND", 307)],
)
async def test_other_methods_are_kept_by_307(wire: Wire, method: str, status: int) -> None:
    answer = await wire.ask("/films/a.mp4", method)
    assert answer.status == status
    assert answer.fields["location"].endswith("/films/a.mp4")
    assert answer.body == b""


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("//evil.example/x", "//evil.example/x"),
        ("/\\evil.example", "/\\evil.example"),
        ("/@evil.example", "/@evil.example"),
        ("/~TOKEN/films/a.mp4", "/~TOKEN/films/a.mp4"),
        ("/films/%00/../%2F", "/films/%00/../%2F"),
        ("http://router.example/films/a.mp4?b", "/films/a.mp4?b"),
        ("http://evil.example//x", "//x"),
    ],
)
async def test_the_location_is_a_configured_edge_with_the_target_as_received(
    wire: Wire, target: str, kept: str
) -> None:
    answer = await wire.ask(target)
    assert answer.status == 302
    assert answer.fields["location"] == "http://127.0.0.1:9000" + kept


@pytest.mark.parametrize("target", ["http://a@evil.example/x", "evil.example/x", "/a b"])
async def test_a_target_that_is_none_is_refused(wire: Wire, target: str) -> None:
    answer = await wire.ask(target)
    assert answer.status in (400, 404)
    assert "location" not in answer.fields


@pytest.mark.parametrize("target", ["/v1/nothing", "/startupz", "/metrics/x", "/web/a"])
async def test_reserved_names_are_not_found_here(wire: Wire, target: str) -> None:
    answer = await wire.ask(target)
    assert answer.status == 404
    assert answer.fields["content-type"].startswith("application/problem+json")


async def test_a_preflight_is_answered_here(wire: Wire) -> None:
    answer = await wire.ask(
        "/films/a.mp4",
        "OPTIONS",
        Origin="https://player.example",
        Access_Control_Request_Method="GET",
        Access_Control_Request_Headers="range,cmcd-request",
    )
    assert answer.status == 204
    assert answer.fields["access-control-allow-origin"] == "*"
    assert answer.fields["access-control-max-age"] == "86400"
    assert "range" in answer.fields["access-control-allow-headers"]
    assert "cmcd-request" in answer.fields["access-control-allow-headers"]


async def test_json_is_listed_in_order_when_asked_for(wire: Wire) -> None:
    answer = await wire.ask("/films/a.mp4?x=1", Accept="application/json")
    assert answer.status == 200
    assert [e["site"] for e in answer.json["edges"]] == ["nyc", "fra", "sgp", "sgp"]
    assert answer.json["url"] == "http://127.0.0.1:9000/films/a.mp4?x=1"
    assert answer.json["url"] == answer.json["edges"][0]["url"]
    assert answer.json["place"]["matched"] == "127.0.0.0/8"


async def test_route_answers_for_a_named_address(wire: Wire) -> None:
    answer = await wire.ask("/v1/route?path=/films/a.mp4&ip=198.51.100.9")
    assert answer.status == 200
    assert answer.json["edges"][0]["site"] == "sgp"
    assert answer.json["edges"][0]["reasons"][0] == "home site of the viewer"
    assert answer.json["place"]["said_by"] == "query"
    assert answer.fields["access-control-allow-origin"] == "*"
    own = await wire.ask("/v1/route?path=/films/a.mp4")
    assert own.json["edges"][0]["site"] == "nyc"


async def test_an_address_in_the_query_of_an_object_is_the_objects_own(wire: Wire) -> None:
    answer = await wire.ask("/films/a.mp4?ip=198.51.100.9", Accept="application/json")
    assert answer.json["edges"][0]["site"] == "nyc"
    assert answer.json["url"].endswith("?ip=198.51.100.9")


@pytest.mark.parametrize(
    "query",
    ["", "path=films", "path=/a&ip=fra", "path=/a%23b", "path=/a&ip=1.2.3.4/8", "ip=1.2.3.4"],
)
@pytest.mark.parametrize("endpoint", ["route", "explain"])
async def test_bad_parameters_are_refused_with_a_sentence(
    wire: Wire, endpoint: str, query: str
) -> None:
    answer = await wire.ask(f"/v1/{endpoint}?{query}")
    assert answer.status == 400
    assert answer.json["detail"]


async def test_a_forwarded_address_counts_only_from_a_trusted_proxy(wire: Wire) -> None:
    fields = {"X_Forwarded_For": "198.51.100.9", "Accept": "application/json"}
    believed = await wire.ask("/a.mp4", source="127.0.0.2", **fields)
    assert believed.json["edges"][0]["site"] == "sgp"
    assert believed.json["place"]["said_by"] == "X-Forwarded-For"
    not_believed = await wire.ask("/a.mp4", source="127.0.0.1", **fields)
    assert not_believed.json["edges"][0]["site"] == "nyc"


async def test_explain_tells_the_same_decision_with_everything(wire: Wire) -> None:
    take_down(wire.router.fleet, "nyc-0")
    wire.router.fleet.observe("fra-0", DRAINING, 4.0)
    redirect = await wire.ask("/films/a.mp4")
    answer = (await wire.ask("/v1/explain?path=/films/a.mp4")).json
    assert answer["url"] == redirect.fields["location"]
    assert answer["rung"] == "nearest-healthy"
    assert [e["site"] for e in answer["edges"]] == ["sgp", "sgp"]
    assert {e["name"]: e["reason"] for e in answer["passed_over"]} == {
        "fra-0": "draining: says it is draining",
        "nyc-0": "down: cannot connect",
    }
    assert answer["place"]["site"] == "nyc"
    assert answer["database"] == "none"


async def test_the_fleet_is_listed(wire: Wire) -> None:
    take_down(wire.router.fleet, "nyc-0")
    body = (await wire.ask("/v1/fleet")).json
    assert body["polled"] is True
    states = {e["name"]: (e["state"], e["reason"], e["since"]) for e in body["edges"]}
    assert states["nyc-0"] == ("down", "cannot connect", 3.0)
    assert states["fra-0"] == ("up", "ready", 1.0)


async def test_before_every_edge_was_looked_at_nobody_is_routed() -> None:
    async with router_of({"fra": 1, "nyc": 1}, polled=False) as wire:
        wire.router.fleet.observe("fra-0", READY, 1.0)
        early = await wire.ask("/films/a.mp4")
        assert (early.status, early.fields["retry-after"]) == (503, "1")
        assert (await wire.ask("/readyz")).status == 503
        assert (await wire.ask("/v1/explain?path=/a")).json["fleet_polled"] is False
        take_down(wire.router.fleet, "nyc-0")
        assert (await wire.ask("/films/a.mp4")).status == 302


async def test_when_every_edge_is_down_the_answer_is_503_with_retry_after(wire: Wire) -> None:
    take_down(wire.router.fleet, *(name for name, _ in wire.router.fleet.items()))
    for target in ("/films/a.mp4", "/v1/route?path=/films/a.mp4"):
        answer = await wire.ask(target)
        assert (answer.status, answer.fields["retry-after"]) == (503, "3")
        assert answer.fields["access-control-allow-origin"] == "*"
        assert answer.json["type"].endswith("no-edge")
    metrics = (await wire.ask("/metrics")).body.decode()
    assert 'cinedge_router_decisions_total{rung="none",site="",source="prefix"} 2.0' in metrics


async def test_decisions_are_counted_by_site_rung_and_source(wire: Wire) -> None:
    await wire.ask("/films/a.mp4")
    metrics = (await wire.ask("/metrics")).body.decode()
    labels = 'rung="healthy-in-site",site="nyc",source="prefix"'
    assert f"cinedge_router_decisions_total{{{labels}}} 1.0" in metrics

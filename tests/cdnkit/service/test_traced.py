"""Requests of an application are recorded when its topology wants it, and not otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from cdnkit.errors import UpstreamError
from cdnkit.service.app import TELEMETRY, build_app
from cdnkit.service.exchange import note
from cdnkit.service.health import Health
from cdnkit.service.metrics import Telemetry
from cdnkit.service.trace_export import Exporter
from cdnkit.service.traced import TRACER, SpanCollector, mount_traces
from tests.helpers.collector import Collector

PARENT = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the imports of an exporter's thread alone may take seconds."""
    monkeypatch.setattr("cdnkit.service.trace_export.CLOSE_SECONDS", 60.0)


@dataclass(frozen=True)
class Wanted:
    endpoint: str
    sample_ratio: float = 1.0
    believe: tuple[str, ...] = ()
    per_second_max: int = 100


async def film(request: web.Request) -> web.Response:
    note(request, outcome="hit")
    return web.Response(text="film")


async def broken(request: web.Request) -> web.Response:
    raise UpstreamError("nobody answers")


async def recorded(
    wanted: Wanted | None, paths: list[str], believed: tuple[str, ...] = (), **headers: str
) -> None:
    """Ask for these, and end the application."""
    routes = [web.get("/films/{key}", film), web.get("/broken", broken)]
    app = build_app(
        tier="origin",
        name="o1",
        telemetry=Telemetry("origin", "o1"),
        health=Health(),
        routes=routes,
    )
    mount_traces(app, "origin", "o1", wanted, believed)
    assert (TRACER in app) == (wanted is not None)
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    async with TestClient(TestServer(app)) as client:
        for path in paths:
            await (await client.get(path, headers=fields)).read()


async def test_a_request_is_told_with_its_route_and_facts() -> None:
    with Collector() as collector:
        await recorded(Wanted(collector.url), ["/films/a?token=t", "/broken", "/livez"])
        film, failed = sorted(collector.spans, key=lambda span: span.name, reverse=True)
    assert film.name == "GET /films/{key}"
    assert film.facts["url.path"] == "/films/a"
    assert film.facts["http.response.status_code"] == 200
    assert film.facts["cinedge.sent_bytes"] == 4
    assert film.facts["cinedge.outcome"] == "hit"
    assert not film.failed
    assert failed.name == "GET /broken"
    assert failed.failed
    assert failed.facts["cinedge.error"] == UpstreamError.code


async def test_a_parent_counts_from_those_who_are_believed_alone() -> None:
    with Collector() as collector:
        await recorded(Wanted(collector.url), ["/films/a"], traceparent=PARENT)
        await recorded(Wanted(collector.url), ["/films/b"], ("127.0.0.1",), traceparent=PARENT)
        outside, inside = collector.spans
    assert outside.trace != "a" * 32
    assert outside.parent == ""
    assert (inside.trace, inside.parent) == ("a" * 32, "b" * 16)


async def test_an_edge_that_records_nothing_has_nothing_recorded_for_it() -> None:
    with Collector() as collector:
        await recorded(Wanted(collector.url), ["/films/a"], CDN_Loop="cinedge;node=e1")
        assert collector.spans == []


async def test_what_became_of_spans_is_told_to_prometheus() -> None:
    exporter = Exporter(lambda: lambda batch: True)
    exporter.sent_total = 7
    sent, dropped = SpanCollector(exporter).collect()
    assert [sample.value for sample in (*sent.samples, *dropped.samples)] == [7, 0]
    app = build_app(tier="origin", name="o1", telemetry=Telemetry("origin", "o1"), health=Health())
    mount_traces(app, "origin", "o1", Wanted("http://127.0.0.1:1/v1/traces"))
    text = app[TELEMETRY].render()[1].decode()
    assert "cinedge_spans_sent_total 0.0" in text
    assert "cinedge_spans_dropped_total 0.0" in text


async def test_without_a_wish_nothing_is_mounted() -> None:
    await recorded(None, ["/films/a"])

"""Redirects of the lane are in the sample like any other request."""

from __future__ import annotations

from aiohttp import web

from cdnkit.service.traced import TRACER
from cdnkit.service.tracing import Span, Tracer
from geo_router.choose import Pick, Rung
from geo_router.recording import record_redirect, recorder_of

PICK = Pick("edge-fra", "http://edge-fra", "fra", next(iter(Rung)))


def tracer(ratio: float, kept: list[Span]) -> Tracer:
    ids = iter(range(1, 1000))
    return Tracer(ratio, [], 100, kept.append, lambda bits: next(ids))


def test_a_redirect_says_where_it_sent_whom_and_no_secret() -> None:
    kept: list[Span] = []
    record_redirect(tracer(1.0, kept), b"id-1", b"/~tok/films/a?x=1", PICK, "prefix")
    (span,) = kept
    assert span.attributes["url.path"] == "/~[redacted]/films/a"
    assert span.attributes["cinedge.edge"] == "edge-fra"
    assert span.attributes["cinedge.rung"] == PICK.rung.value
    assert span.attributes["cinedge.request_id"] == "id-1"
    assert span.ended_ns


def test_outside_of_the_sample_nothing_is_kept() -> None:
    kept: list[Span] = []
    record_redirect(tracer(0.0, kept), b"id-1", b"/films/a", PICK, "prefix")
    assert kept == []


def test_a_router_without_traces_records_nothing() -> None:
    app = web.Application()
    assert recorder_of(app) is None
    app[TRACER] = tracer(1.0, [])
    assert recorder_of(app) is not None

"""Spans of redirects that the lane answers, which is over before there is anything to measure."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from cdnkit.service.traced import TRACER
from cdnkit.service.tracing import Tracer, path_of
from geo_router.choose import Pick
from geo_router.lane import Record


def recorder_of(app: web.Application) -> Record | None:
    """What the lane of a router tells of its redirects; None where nothing is recorded."""
    return partial(record_redirect, app[TRACER]) if TRACER in app else None


def record_redirect(
    tracer: Tracer, request_id: bytes, target: bytes, pick: Pick, source: str
) -> None:
    """Record one, if it is in the sample; `source` told where its viewer is."""
    span = tracer.begin("GET redirect", None, believed=False, request_id=None)
    if span is None:
        return
    span.attributes |= {
        "http.request.method": "GET",
        "http.response.status_code": 302,
        "url.path": path_of(target.decode("latin-1")),
        "cinedge.request_id": request_id.decode("latin-1"),
        "cinedge.edge": pick.edge,
        "cinedge.rung": pick.rung.value,
        "cinedge.place": source,
    }
    span.end()

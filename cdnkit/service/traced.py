"""Traces of an application of `build_app`: a middleware, and the exporter that lives with it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final, Protocol

from aiohttp import web
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from cdnkit.service.app import TELEMETRY
from cdnkit.service.exchange import EXCHANGE
from cdnkit.service.middleware import Handler, route_of
from cdnkit.service.trace_export import Exporter, open_exporter
from cdnkit.service.tracing import CURRENT, Span, Tracer, name_of, path_of
from cdnkit.trace_context import TRACEPARENT, TRACESTATE, parse_parent
from cdnkit.wire import (
    CDN_LOOP_HEADER,
    CDN_NAME,
    LIVE_PATH,
    METRICS_PATH,
    READY_PATH,
    REQUEST_ID_HEADER,
)

_FACTS: Final = ("edge", "rung", "place", "outcome", "error", "key")
_UNTRACED: Final = frozenset({LIVE_PATH, READY_PATH, METRICS_PATH})


def trace_requests(tracer: Tracer) -> Any:
    """Middleware, behind `identify_requests`: a span around each request that is recorded."""

    @web.middleware
    async def trace(request: web.Request, handler: Handler) -> web.StreamResponse:
        span = None if request.path in _UNTRACED else _begin(tracer, request)
        if span is None:
            return await handler(request)
        token = CURRENT.set(span)
        try:
            return await handler(request)
        except BaseException as error:
            span.error = name_of(error)
            raise
        finally:
            CURRENT.reset(token)
            _finish(span, request)

    return trace


def _begin(tracer: Tracer, request: web.Request) -> Span | None:
    headers = request.headers
    request_id = request[EXCHANGE].request_id
    span = tracer.begin(
        f"{request.method} {route_of(request)}",
        parse_parent(headers.get(TRACEPARENT), headers.get(TRACESTATE)),
        believed=tracer.believes(request.remote),
        request_id=request_id if headers.get(REQUEST_ID_HEADER) == request_id else None,
        asked_by_us=CDN_NAME in headers.get(CDN_LOOP_HEADER, ""),
    )
    if span is not None:
        span.attributes |= {
            "http.request.method": request.method,
            "http.route": route_of(request),
            "url.path": path_of(request.raw_path),
            "cinedge.request_id": request_id,
        }
    return span


def _finish(span: Span, request: web.Request) -> None:
    exchange = request[EXCHANGE]
    response = exchange.response
    status = exchange.status or (0 if response is None else response.status)
    span.attributes |= {
        "http.response.status_code": status,
        "cinedge.sent_bytes": exchange.body_bytes,
        **{
            f"cinedge.{name}": str(exchange.facts[name])
            for name in _FACTS
            if exchange.facts.get(name) is not None
        },
    }
    if status >= 500 and not span.error:
        span.error = str(status)
    span.end()


class Wanted(Protocol):
    """What a topology says of traces."""

    @property
    def endpoint(self) -> str:
        """Whole URL of a collector."""

    @property
    def sample_ratio(self) -> float:
        """Share of requests that begin a trace."""

    @property
    def believe(self) -> tuple[str, ...]:
        """Networks whose `traceparent` counts."""

    @property
    def per_second_max(self) -> int:
        """Bound of what is recorded."""


class SpanCollector(Collector):
    """What became of an exporter's spans, for Prometheus."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter

    def collect(self) -> Iterable[Metric]:
        """Both families."""
        sent, dropped = self._exporter.sent_total, self._exporter.dropped_total
        yield CounterMetricFamily("cinedge_spans_sent", "Spans a collector took.", value=sent)
        yield CounterMetricFamily("cinedge_spans_dropped", "Spans it did not.", value=dropped)


TRACER: Final = web.AppKey("tracer", Tracer)


def mount_traces(
    app: web.Application, tier: str, node: str, wanted: Wanted | None, believed: Sequence[str] = ()
) -> None:
    """Record requests of an application of `build_app`, if that is wanted.

    `believed` are networks whose word counts besides. Raises UnavailableError.
    """
    if wanted is None:
        return
    exporter = open_exporter(wanted.endpoint, tier, node)
    tracer = app[TRACER] = Tracer(
        wanted.sample_ratio,
        (*wanted.believe, *believed),
        wanted.per_second_max,
        exporter.keep,
        secrets.randbits,
    )
    app[TELEMETRY].registry.register(SpanCollector(exporter))
    # Behind the first, which names the request, and before the one that counts it.
    app.middlewares.insert(1, trace_requests(tracer))

    async def sending(app: web.Application) -> AsyncIterator[None]:
        with exporter:
            yield

    app.cleanup_ctx.append(sending)

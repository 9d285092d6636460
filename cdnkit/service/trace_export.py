"""The way of spans out of a process: a bounded queue, and a thread that hands them to a collector.

OTLP over HTTP, by OpenTelemetry's exporter (extra `traces`), which that thread alone imports. A
collector that is slow or away costs spans, which are counted, and nothing else.
"""

from __future__ import annotations

import importlib.util
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, Self

import structlog

from cdnkit.errors import UnavailableError
from cdnkit.service.tracing import Kind, Span

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan

SPANS_MAX: Final = 4096
"""Waiting to be sent; what comes beyond is dropped."""
BATCH_SPANS: Final = 256
INTERVAL_SECONDS: Final = 1.0
SEND_SECONDS: Final = 5.0
"""Longest time for one batch, what is tried again included."""
CLOSE_SECONDS: Final = 2.0
"""Longest time in which the end of a process waits for its last spans."""
_EXPORTER: Final = "opentelemetry.exporter.otlp.proto.http"

Send = Callable[[list[Span]], bool]
_log = structlog.get_logger("tracing")


class Exporter:
    """Sends spans from a thread of its own; `send` says whether a batch has arrived.

    `make_send` is called in the thread. Use as a context manager.
    """

    def __init__(
        self,
        make_send: Callable[[], Send],
        *,
        spans_max: int = SPANS_MAX,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self.sent_total = 0
        # Each has one thread that counts it.
        self._turned_away = 0
        self._lost = 0
        self._make_send = make_send
        self._spans_max = spans_max
        self._interval_seconds = interval_seconds
        self._waiting: deque[Span] = deque()
        self._much = threading.Event()
        self._ending = False
        self._delivers = True
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ending = True
        self._much.set()
        # A daemon: a collector that takes longer than this keeps no process from its end.
        self._thread.join(CLOSE_SECONDS)

    @property
    def dropped_total(self) -> int:
        """Spans that no collector has taken."""
        return self._turned_away + self._lost

    def keep(self, span: Span) -> None:
        """Take a span that has ended, or drop it; never waits."""
        if len(self._waiting) >= self._spans_max:
            self._turned_away += 1
            return
        self._waiting.append(span)
        if len(self._waiting) >= BATCH_SPANS:
            self._much.set()

    def _run(self) -> None:
        try:
            send = self._make_send()
        except Exception:  # what waits is dropped once it is too much
            _log.exception("traces cannot be sent")
            return
        while not (self._ending and not self._waiting):
            self._much.wait(self._interval_seconds)
            self._much.clear()
            while self._waiting:
                self._send(send, [self._waiting.popleft() for _ in range(self._batch_size())])
                if self._ending and not self._delivers:
                    return

    def _batch_size(self) -> int:
        return min(len(self._waiting), BATCH_SPANS)

    def _send(self, send: Send, batch: list[Span]) -> None:
        try:
            arrived = send(batch)
        except Exception:  # the thread outlives whatever an exporter does
            _log.exception("traces cannot be sent")
            arrived = False
        if arrived:
            self.sent_total += len(batch)
        else:
            self._lost += len(batch)
        if arrived != self._delivers:
            self._delivers = arrived
            say = _log.info if arrived else _log.warning
            say("traces arrive" if arrived else "traces do not arrive", dropped=self.dropped_total)


def open_exporter(endpoint: str, tier: str, node: str) -> Exporter:
    """What sends the spans of a process to an OTLP/HTTP collector.

    `endpoint` is the whole URL, such as http://127.0.0.1:4318/v1/traces. Raises UnavailableError
    when the extra `traces` is not installed.
    """
    if not _is_installed():
        raise UnavailableError("tracing needs OpenTelemetry: pip install 'cinedge[traces]'")
    return Exporter(lambda: otlp_sender(endpoint, tier, node))


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec(_EXPORTER) is not None
    except ModuleNotFoundError:
        return False


def otlp_sender(endpoint: str, tier: str, node: str) -> Send:
    """Sends batches by OpenTelemetry's exporter. Takes a third of a second of imports."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import SpanExportResult

    # It would tell every failed try; `Exporter` tells when it begins and when it ends.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=SEND_SECONDS)
    names = {"service.name": f"cinedge-{tier}", "service.instance.id": node}
    resource = Resource(names)

    def send(batch: list[Span]) -> bool:
        return exporter.export(list(readable(batch, resource))) is SpanExportResult.SUCCESS

    return send


def readable(batch: Iterable[Span], resource: Resource) -> Iterable[ReadableSpan]:
    """Our spans as OpenTelemetry has them."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, TraceState
    from opentelemetry.trace.status import Status, StatusCode

    kinds = {
        Kind.INTERNAL: SpanKind.INTERNAL,
        Kind.SERVER: SpanKind.SERVER,
        Kind.CLIENT: SpanKind.CLIENT,
    }
    sampled = TraceFlags(TraceFlags.SAMPLED)
    for span in batch:
        state = TraceState.from_header([span.state]) if span.state else None
        parent = (
            SpanContext(span.trace_id, span.parent_id, True, sampled) if span.parent_id else None
        )
        yield ReadableSpan(
            name=span.name,
            context=SpanContext(span.trace_id, span.span_id, False, sampled, state),
            parent=parent,
            resource=resource,
            attributes=span.attributes,
            kind=kinds[span.kind],
            status=Status(StatusCode.ERROR, span.error) if span.error else Status(),
            start_time=span.began_ns,
            end_time=span.ended_ns,
        )

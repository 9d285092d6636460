"""A collector of traces: takes OTLP over HTTP in a thread, and keeps the spans it was sent."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True, slots=True)
class Told:
    """A span as it came; ids in hexadecimal digits, `parent` empty for the first of a trace."""

    tier: str
    node: str
    name: str
    trace: str
    span: str
    parent: str
    failed: bool
    seconds: float
    state: str
    facts: dict[str, Any] = field(compare=False)


class Collector:
    """Use as a context manager; `url` is where spans go."""

    def __init__(self) -> None:
        self.spans: list[Told] = []
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.take(body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, body: bytes) -> None:
        """Keep what a request holds."""
        message = ExportTraceServiceRequest.FromString(body)
        self.bodies.append(body)
        for of_resource in message.resource_spans:
            who = _facts(of_resource.resource.attributes)
            for scope in of_resource.scope_spans:
                self.spans += [_told(who, span) for span in scope.spans]

    def of_trace(self, trace: str) -> list[Told]:
        """The spans of one trace so far."""
        return [span for span in self.spans if span.trace == trace]


def _told(who: dict[str, Any], span: Any) -> Told:
    return Told(
        who["service.name"].removeprefix("cinedge-"),
        who["service.instance.id"],
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.status.code == 2,
        (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        span.trace_state,
        _facts(span.attributes),
    )


def _facts(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}

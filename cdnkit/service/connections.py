"""Client connections with the time limits that aiohttp's own lack, and refusals as problem+json.

A connection must complete its first request head, and each later one once begun, within the head
limit; a client that takes nothing for the write limit is cut; connections beyond the maximum are
closed at once. Between two requests a connection may leave for somebody who wants the next one. The
requests themselves are not looked at here.
"""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from aiohttp import HttpVersion11, StreamReader, web
from aiohttp.http import HttpRequestParser
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestHandler, RequestPayloadError, _ErrInfo

from cdnkit.service.app import ACCESS_LOG, TELEMETRY
from cdnkit.service.framing import Framing, RefusedMessageError
from cdnkit.service.middleware import new_request_id
from cdnkit.service.problems import plain_problem
from cdnkit.wire import CDN_NAME, REQUEST_ID_HEADER

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one client connection may cost."""

    head_timeout_seconds: float = 10.0
    keepalive_timeout_seconds: float = 75.0
    write_timeout_seconds: float = 60.0
    lingering_seconds: float = 2.0
    line_bytes_max: int = 8190
    field_bytes_max: int = 8190
    fields_max: int = 128
    connections_max: int = 60_000


DEFAULT_LIMITS: Final = Limits()

_REFUSALS: Final = {
    400: "bad-request",
    431: "request-header-fields-too-large",
    501: "not-implemented",
    505: "http-version-not-supported",
}
"""What the head of a message costs; anything else that gets here is our mistake."""


class Taker(Protocol):
    """Somebody else who answers some requests."""

    def wants(self, data: bytes) -> bool:
        """Whether a request that begins with `data` is one for him."""

    def take(self, sock: socket.socket, data: bytes) -> None:
        """Go on with the connection; `data` was read from it already."""


class GuardedHandler(RequestHandler):
    """One client connection under `Limits`."""

    __slots__ = (
        "_auto_decompress",
        "_body",
        "_framing",
        "_head_timer",
        "_limits",
        "_stalled_bytes",
        "_taker",
        "_unwanted_body",
        "_unwanted_bytes",
        "_write_timer",
    )

    def __init__(self, manager: GuardedServer, limits: Limits, **kwargs: Any) -> None:
        super().__init__(manager, **kwargs)
        self._limits = limits
        self._framing = Framing()
        self._body: StreamReader = EMPTY_PAYLOAD
        """Of the last request that came."""
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._stalled_bytes: int | None = None
        self._auto_decompress: bool = kwargs.get("auto_decompress", True)
        self._unwanted_body: StreamReader | None = None
        self._unwanted_bytes = 0
        self._taker: Taker | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock of the first head, or refuse when full."""
        super().connection_made(transport)
        manager = self._guard
        if manager is not None:
            manager.telemetry.connections.inc()
            if len(manager.connections) > self._limits.connections_max:
                self._cut("too-many-connections")
                return
        self._start_head_timer()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop all clocks."""
        self._stop_head_timer()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        if self._guard is not None:
            self._guard.telemetry.connections.dec()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then see whether a head is complete or only begun."""
        if self._unwanted_body is not None:
            data = self._drop(self._unwanted_body, data)
        elif self._taker is not None and self._leave_to(self._taker, data):
            return
        self._feed(data)
        if self._messages:
            if self._head_timer is not None:
                self._stop_head_timer()
        elif self._head_timer is None and self._awaits_head():
            self._start_head_timer()

    def offer(self, taker: Taker) -> None:
        """Let `taker` have the connection with the first later request that he wants."""
        self._taker = taker

    def end_body(self, body: StreamReader, unwanted_bytes: int) -> None:
        """Read again, after somebody has read a body from our socket.

        So many bytes of it are still to come and are dropped; then heads follow. The parser waits
        for a body that it will never see, and another takes its place.
        """
        if self._manager is None:
            return
        self._parser = HttpRequestParser(
            self,
            self._loop,
            self._read_bufsize,
            max_line_size=self.max_line_size,
            max_field_size=self.max_field_size,
            max_headers=self.max_headers,
            payload_exception=RequestPayloadError,
            auto_decompress=self._auto_decompress,
            max_msg_queue_size=self._max_msg_queue_size,
        )
        self._framing = Framing()
        self._unwanted_body, self._unwanted_bytes = body, unwanted_bytes
        self._drop(body, b"")
        self.resume_reading(resume_parser=False)

    def pause_writing(self) -> None:
        """The client does not take what we send: watch it."""
        super().pause_writing()
        if self._write_timer is None:
            # Left running when writing resumes: one timer per limit, not one per pause.
            self._watch_writing()

    def resume_writing(self) -> None:
        """The client took enough."""
        self._stalled_bytes = None
        super().resume_writing()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what the parser refused. Raises ConnectionError when an answer has begun."""
        transport = request.transport
        if transport is None or transport.is_closing() or request.writer.output_size > 0:
            raise ConnectionResetError("the answer failed after its head was sent")
        code = _REFUSALS.get(status, "internal-error")
        detail = (message or "").strip().partition("\n")[0].rstrip(": ")
        request_id = new_request_id()
        if status not in _REFUSALS:
            _log.error("unhandled error", request_id=request_id, exc_info=exc)
            detail = ""
        if self._guard is not None:
            self._guard.refused(request, request_id, status, code)
        response = plain_problem(status, code, detail or "The request cannot be read.", request_id)
        response.headers[REQUEST_ID_HEADER] = request_id
        response.headers["Server"] = CDN_NAME
        # The request that stands in for an unreadable one claims HTTP/1.0 (RFC 9110 6.2).
        request._version = HttpVersion11
        response.force_close()
        return response

    def _feed(self, data: bytes) -> None:
        """Give the parser message by message what may be read; aiohttp asks again with nothing."""
        try:
            for piece in self._framing.cut(data) if data else (data,):
                super().data_received(piece)
                if self._is_refused:
                    self._end_unread()
                    break
                if self._messages:
                    self._body = self._messages[-1][1]
        except RefusedMessageError as error:
            if not self._end_unread() and not self._close and not self._force_close:
                refusal = _ErrInfo(status=error.status, exc=error, message=error.reason)
                self._messages.append((refusal, EMPTY_PAYLOAD))
                if self._awaits_head() and self._waiter is not None:
                    self._waiter.set_result(None)

    def _end_unread(self) -> bool:
        """Whether the body of a request has become unreadable; its handler learns of it.

        That request has the last answer here. aiohttp would let it wait for the rest.
        """
        if self._body.is_eof():
            return False
        if self._is_refused:
            self._messages.pop()
        self._body.set_exception(RequestPayloadError("The body is not framed as announced."))
        self._body.feed_eof()
        self.close()
        return True

    @property
    def _is_refused(self) -> bool:
        """Whether the last message is one that cannot be read: nothing after it counts."""
        return bool(self._messages) and isinstance(self._messages[-1][0], _ErrInfo)

    def _leave_to(self, taker: Taker, data: bytes) -> bool:
        """Whether the connection is no longer ours."""
        transport = self.transport
        is_between = self._awaits_head() and self._head_timer is None and not self._messages
        if not is_between or transport is None or transport.is_closing():
            return False
        if transport.get_write_buffer_size() or not taker.wants(data):
            return False
        try:
            sock = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
        except OSError:
            return False
        sock.setblocking(False)
        # It must read nothing more; its end is that of its descriptor, not of the connection.
        transport.pause_reading()
        transport.abort()
        taker.take(sock, data)
        return True

    def _drop(self, body: StreamReader, data: bytes) -> bytes:
        """What of `data` comes after a body that nobody wants."""
        dropped = min(len(data), self._unwanted_bytes)
        self._unwanted_bytes -= dropped
        if not self._unwanted_bytes:
            self._unwanted_body = None
            body.feed_eof()
        return data[dropped:]

    @property
    def _guard(self) -> GuardedServer | None:
        manager = self._manager
        return manager if isinstance(manager, GuardedServer) else None

    def _awaits_head(self) -> bool:
        return self._waiter is not None and not self._waiter.done()

    def _start_head_timer(self) -> None:
        self._head_timer = self._loop.call_later(
            self._limits.head_timeout_seconds, self._head_expired
        )

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_expired(self) -> None:
        self._head_timer = None
        if self._awaits_head():
            self._cut("head-timeout")

    def _watch_writing(self) -> None:
        self._write_timer = self._loop.call_later(
            self._limits.write_timeout_seconds, self._check_writing
        )

    def _check_writing(self) -> None:
        self._write_timer = None
        transport = self.transport
        if transport is None or not self._paused:
            return
        waiting_bytes = transport.get_write_buffer_size()
        if self._stalled_bytes is not None and waiting_bytes >= self._stalled_bytes:
            self._cut("write-timeout")
            return
        self._stalled_bytes = waiting_bytes
        self._watch_writing()

    def _cut(self, reason: str) -> None:
        if self._guard is not None:
            self._guard.telemetry.count_closed(reason)
        if self.transport is not None:
            self.transport.abort()


class GuardedServer(web.Server):
    """Makes guarded connections for one application."""

    def __init__(self, plain: web.Server, app: web.Application, limits: Limits) -> None:
        super().__init__(
            plain.request_handler,
            request_factory=plain.request_factory,
            handler_cancellation=plain.handler_cancellation,
            loop=plain._loop,
            **plain._kwargs,
        )
        self.telemetry = app[TELEMETRY]
        self._log = app[ACCESS_LOG]
        self._limits = limits

    def __call__(self) -> GuardedHandler:
        """The protocol of one accepted connection."""
        return GuardedHandler(self, self._limits, loop=self._loop, **self._kwargs)

    def refused(self, request: web.BaseRequest, request_id: str, status: int, code: str) -> None:
        """Count and log a request that never reached the application."""
        telemetry = self.telemetry
        telemetry.count_error(code)
        telemetry.observe_request("OTHER", "unreadable", status, 0.0, 0)
        self._log.append(
            {
                "time": self._log.now(),
                "tier": telemetry.tier,
                "node": telemetry.node,
                "request_id": request_id,
                "client": request.remote,
                "status": status,
                "error": code,
            }
        )


class GuardedRunner(web.AppRunner):
    """An application runner whose connections are guarded."""

    def __init__(self, app: web.Application, limits: Limits, **kwargs: Any) -> None:
        super().__init__(app, **kwargs)
        self._limits = limits

    async def _make_server(self) -> web.Server:
        return GuardedServer(await super()._make_server(), self.app, self._limits)

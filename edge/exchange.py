"""One request and its answer on a client connection, as the full path sees them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Final

from cdnkit.fields import end_to_end
from cdnkit.service.tracing import Span
from edge.body import Body
from edge.http1.chunked import ChunkedDecoder
from edge.http1.request import Request
from edge.http1.response import ResponseHead
from edge.respond import lines_of, status_line

if TYPE_CHECKING:
    from edge.connection import Connection
    from edge.crowds import Asking
    from edge.gathering import Gathering

UNTIMED: Final = 1 << 62
"""Deadline of a connection that waits for us and not for its client."""
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class ClientGoneError(Exception):
    """The client's connection ended before its request was whole."""


class Exchange:
    """Answer exactly once with `reply` or `deliver`; then `finished` says how it went.

    `asker` is the number of the worker that asks, when it is one of this box; it `borrows` when it
    reads what is held from our files, so that no content need be sent.
    `bound` puts a bound of the viewer's around the body of the answer.
    `asking` is the question of another viewer that this one has waited for already.
    `gathering` are others who wait with it for the same, in the very words of its `head`.
    `on_end` is told how the answer went.
    `span` is what is recorded of it, where it is.
    `sending` passes the request's content on, which may take longer than the answer's beginning.
    """

    __slots__ = (
        "_arrival",
        "_done",
        "answered",
        "asker",
        "asking",
        "body_left",
        "borrows",
        "bound",
        "complete",
        "connection",
        "gathering",
        "head",
        "on_end",
        "request",
        "seconds",
        "sending",
        "sent_bytes",
        "span",
        "started",
    )

    def __init__(
        self, connection: Connection, request: Request, started: float, head: bytes = b""
    ) -> None:
        self.connection = connection
        self.request = request
        self.started = started
        self.seconds = 0.0
        self.sent_bytes = 0
        self.answered = False
        self.asker: int | None = None
        self.borrows = False
        self.bound: Callable[[Body], Body] | None = None
        self.asking: Asking | None = None
        self.complete: bool | None = None
        self.gathering: Gathering | None = None
        self.head = head
        self.on_end: Callable[[Exchange, bool], None] | None = None
        self.body_left = request.has_body
        self.span: Span | None = None
        self.sending: asyncio.Task[None] | None = None
        self._done: asyncio.Future[bool] | None = None
        self._arrival: asyncio.Future[None] | None = None

    @property
    def closes_after(self) -> bool:
        """Whether the connection ends with this answer."""
        # Content nobody read would be taken for the next request (RFC 9112 9.3).
        return self.connection.closing or self.body_left

    @property
    def is_of_viewer(self) -> bool:
        """Whether neither another worker nor another edge of ours asks."""
        return self.asker is None and not self.connection.inner

    @property
    def connection_line(self) -> bytes:
        """What the answer says of its connection (RFC 9112 9.3, 9.6)."""
        if self.closes_after:
            return b"Connection: close\r\n"
        return b"" if self.request.minor_version else b"Connection: keep-alive\r\n"

    def interim(self, head: bytes) -> None:
        """Pass on a 1xx answer; clients of HTTP/1.0 never see one (RFC 9110 15.2)."""
        if self.request.minor_version and self.connection.alive and not self.answered:
            self.connection.head = bytes(self.connection.head) + head
            self.connection.server.pump(self.connection)

    def pass_interim(self, head: ResponseHead) -> None:
        """Hand an upstream's 1xx on, but for 100: that talk is between neighbours."""
        if head.status != 100:
            self.interim(status_line(head.status) + lines_of(end_to_end(head.pairs)) + b"\r\n")

    def reply(self, head: bytes, content: bytes = b"") -> None:
        """Answer with bytes at hand."""
        self.deliver(head + content, None)

    def deliver(self, head: bytes, body: Body | None) -> None:
        """Answer with a head and a body that hands out its bytes by and by."""
        connection = self.connection
        if self.answered or not connection.alive:
            if body is not None:
                body.close()
            reader, connection.reader = connection.reader, None
            if reader is not None:
                reader.leave()
            return
        self.answered = True
        connection.closing = self.closes_after
        connection.head = bytes(connection.head) + head
        if body is not None and self.bound is not None:
            body = self.bound(body)
        connection.body = body
        if body is not None:
            body.begin(connection)
        connection.server.pump(connection)

    async def finished(self) -> bool:
        """Wait for the end of the answer: True when the client took all of it."""
        if self.complete is None:
            self._done = asyncio.get_running_loop().create_future()
            await self._done
        return self.complete is True

    def end(self, complete: bool) -> None:
        """Called by the server when the answer is out or the connection is gone."""
        if self.complete is None:
            self.complete = complete
            self.seconds = asyncio.get_running_loop().time() - self.started
            self.sent_bytes = self.connection.sent_bytes
            if self._done is not None and not self._done.done():
                self._done.set_result(complete)
            if self.on_end is not None:
                self.on_end(self, complete)
        self.arrived()

    def arrived(self) -> None:
        """Called by the server when bytes or the end of the stream came in."""
        arrival, self._arrival = self._arrival, None
        if arrival is not None and not arrival.done():
            arrival.set_result(None)

    async def receive(self) -> AsyncIterator[bytes]:
        """The request's content, decoded. Raises ClientGoneError, FieldError."""
        if self.request.expects_continue and not self.answered:
            self.interim(CONTINUE)
        if self.request.chunked:
            async for piece in self._receive_chunked():
                yield piece
        else:
            left = self.request.content_length
            while left:
                data = await self._take(left)
                left -= len(data)
                yield data
        self.body_left = False

    async def _receive_chunked(self) -> AsyncIterator[bytes]:
        decoder = ChunkedDecoder()
        while not decoder.done:
            data = await self._take(1 << 30)
            for piece in decoder.feed(data):
                yield piece
        self.connection.buffer = decoder.rest + self.connection.buffer

    async def _timed(self, arrival: asyncio.Future[None]) -> None:
        """Wait for bytes; a client that sends none for too long is dropped by the server."""
        connection = self.connection
        if self.answered:
            # From here on it is the answer that is timed.
            await arrival
            return
        server = connection.server
        connection.deadline = server.now + int(server.limits.write_timeout_seconds) + 1
        await arrival
        if not self.answered:
            connection.deadline = UNTIMED

    async def _take(self, size_max: int) -> bytes:
        connection = self.connection
        while not connection.buffer:
            if not connection.alive or connection.eof:
                raise ClientGoneError
            if connection.readable:
                connection.server.receive(connection)
                continue
            self._arrival = asyncio.get_running_loop().create_future()
            await self._timed(self._arrival)
        data, connection.buffer = connection.buffer[:size_max], connection.buffer[size_max:]
        return data

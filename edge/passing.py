"""Answers that are not stored: streamed from the upstream to one viewer as they come.

Also the way of every method but GET and HEAD, with the request's content streamed upwards. Nothing
here is repeated: a request that may have had an effect is sent once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from cdnkit.errors import CinedgeError
from cdnkit.fields import end_to_end
from edge.body import StreamBody
from edge.exchange import ClientGoneError, Exchange
from edge.http1.fields import FieldError
from edge.http1.response import Framing, ResponseHead
from edge.respond import lines_of, passed_lines, status_line
from edge.upstream.connection import UpstreamConnection
from edge.upstream.upstreams import Lent

_PIECE_BYTES: Final = 64 * 1024


class StreamSink:
    """Hands what an upstream sends to a `StreamBody`, pausing for a slow reader."""

    def __init__(
        self, body: StreamBody, connection: UpstreamConnection, collect_bytes_max: int
    ) -> None:
        self.collected: bytearray | None = bytearray() if collect_bytes_max else None
        self._collect_bytes_max = collect_bytes_max
        self._body = body
        self._connection = connection
        self._memory = memoryview(bytearray(_PIECE_BYTES))
        body.on_room = connection.resume

    def view(self) -> memoryview:
        return self._memory

    def received(self, size: int) -> bool:
        piece = bytes(self._memory[:size])
        if self.collected is not None:
            self.collected += piece
            if len(self.collected) > self._collect_bytes_max:
                self.collected = None
        self._body.offer(piece)
        if self._body.closed:
            return False
        if self._body.is_full:
            self._connection.pause()
        return True


async def pass_answer(
    exchange: Exchange,
    lent: Lent,
    hop: bytes,
    keep: Callable[[bytes], None] | None = None,
    collect_bytes_max: int = 0,
) -> None:
    """Answer with what the upstream answered; `keep` gets the content if all of it came.

    A cut on either side cuts the other: an answer that began is never ended cleanly when it is
    short (RFC 9112 8).
    """
    head = lent.head
    request = exchange.request
    has_length = head.framing is Framing.LENGTH or head.framing is Framing.NONE
    chunked = not has_length and request.minor_version >= 1
    if not has_length and not chunked:
        exchange.connection.closing = True
        hop += b"Connection: close\r\n"
    body = StreamBody(exchange.connection, chunked=chunked, on_room=lambda: None)
    text = (
        status_line(head.status)
        + passed_lines(end_to_end(head.pairs), keep_length=has_length)
        + (b"Transfer-Encoding: chunked\r\n" if chunked else b"")
        + hop
        + b"\r\n"
    )
    if head.framing is Framing.NONE:
        exchange.deliver(text, None)
        await _finish_empty(lent)
        return
    exchange.deliver(text, body)
    sink = StreamSink(body, lent.connection, collect_bytes_max if keep else 0)
    try:
        complete = await lent.connection.pour(sink)
    except CinedgeError:
        body.fail()
    else:
        if complete:
            if keep is not None and sink.collected is not None:
                keep(bytes(sink.collected))
            body.end()
    finally:
        lent.release()


async def _finish_empty(lent: Lent) -> None:
    try:
        await lent.connection.pour(_Refusing())
    finally:
        lent.release()


class _Refusing:
    def view(self) -> memoryview:
        return memoryview(bytearray(1))

    def received(self, size: int) -> bool:
        return False


async def send_content(exchange: Exchange, connection: UpstreamConnection) -> None:
    """Stream a request's content upwards. Raises ClientGoneError, UpstreamError, FieldError."""
    chunked = exchange.request.chunked
    async for piece in exchange.receive():
        await connection.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
    if chunked:
        await connection.write(b"0\r\n\r\n")


async def converse(exchange: Exchange, connection: UpstreamConnection, head: bytes) -> ResponseHead:
    """Send head and content and wait for the answer, which may come before the content's end.

    Raises ClientGoneError, FieldError, UpstreamError.
    """
    connection.start(exchange.request.method, head, lambda interim: pass_interim(exchange, interim))
    if not exchange.request.has_body:
        return await connection.answer()
    sending = asyncio.ensure_future(send_content(exchange, connection))
    answering = asyncio.ensure_future(connection.answer())
    try:
        await asyncio.wait({sending, answering}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            error = sending.exception()
            if isinstance(error, ClientGoneError | FieldError):
                raise error
        return await answering
    finally:
        for task in (sending, answering):
            task.cancel()
        await asyncio.gather(sending, answering, return_exceptions=True)


def pass_interim(exchange: Exchange, head: ResponseHead) -> None:
    """Hand a 1xx on, but for 100: that conversation is between neighbours (RFC 9110 15.2)."""
    if head.status != 100:
        exchange.interim(status_line(head.status) + lines_of(end_to_end(head.pairs)) + b"\r\n")

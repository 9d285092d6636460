"""Answers that are not stored: streamed from the upstream to one viewer as they come.

Also the way of every method but GET and HEAD, with the request's content streamed upwards. Nothing
here is repeated: a request that may have had an effect is sent once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from cdnkit.errors import BadRequestError, CinedgeError
from cdnkit.fields import end_to_end
from edge.body import StreamBody
from edge.exchange import ClientGoneError, Exchange
from edge.http1.fields import FieldError
from edge.http1.response import Framing, ResponseHead
from edge.respond import passed_lines, status_line
from edge.upstream.connection import UpstreamConnection
from edge.upstream.lent import NOWHERE, Lent

_PIECE_BYTES: Final = 64 * 1024
_NOTHING: Final = memoryview(b"")


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
        body.on_room = self._on_room

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

    def close(self) -> None:
        """Nothing more comes: what is kept of the answer, for as long as it is, is little."""
        self._memory = _NOTHING

    def _on_room(self) -> None:
        if self._body.is_cut:
            # A silent upstream would otherwise be listened to for nobody.
            self._connection.abort()
        else:
            self._connection.resume()


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
    has_length, chunked = _framing_of(exchange, head)
    body = StreamBody(exchange.connection, chunked=chunked, on_room=lambda: None)
    text = (
        status_line(head.status)
        + passed_lines(end_to_end(head.pairs), keep_length=has_length)
        + (b"Transfer-Encoding: chunked\r\n" if chunked else b"")
        + hop
        + b"\r\n"
    )
    try:
        if head.framing is Framing.NONE:
            exchange.deliver(text, None)
            await lent.connection.pour(NOWHERE)
        else:
            exchange.deliver(text, body)
            sink = StreamSink(body, lent.connection, collect_bytes_max if keep else 0)
            with contextlib.closing(sink):
                complete = await _pour(lent, sink, body)
            if complete and keep is not None and sink.collected is not None:
                keep(bytes(sink.collected))
    finally:
        if not await _stop_sending(exchange):
            # The upstream still waits for content: no other request may follow it.
            lent.connection.abort()
        lent.release()


def close_if_endless(exchange: Exchange, head: ResponseHead) -> None:
    """Only its close can end this answer: say so before the head is made (RFC 9112 6.3)."""
    has_length, chunked = _framing_of(exchange, head)
    if not has_length and not chunked:
        exchange.connection.closing = True


def _framing_of(exchange: Exchange, head: ResponseHead) -> tuple[bool, bool]:
    """Does the answer keep its length, is it sent in chunks?"""
    has_length = head.framing in (Framing.LENGTH, Framing.NONE)
    return has_length, not has_length and exchange.request.minor_version >= 1


async def _pour(lent: Lent, sink: StreamSink, body: StreamBody) -> bool:
    """Stream the content; True when all of it came. A short one breaks the answer."""
    try:
        complete = await lent.connection.pour(sink)
    except CinedgeError:
        body.fail()
        return False
    if complete and not body.is_cut:
        body.end()
        return True
    return False


async def _stop_sending(exchange: Exchange) -> bool:
    """End the sending of the request's content; True when all of it had gone."""
    sending, exchange.sending = exchange.sending, None
    if sending is None:
        return True
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    return not sending.cancelled() and sending.exception() is None


async def send_content(exchange: Exchange, connection: UpstreamConnection) -> None:
    """Stream a request's content upwards. Raises ClientGoneError, UpstreamError, FieldError."""
    chunked = exchange.request.chunked
    async for piece in exchange.receive():
        await connection.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
    if chunked:
        await connection.write(b"0\r\n\r\n")


async def converse(exchange: Exchange, connection: UpstreamConnection, head: bytes) -> ResponseHead:
    """Send head and content and wait for the answer, which may come before the content's end.

    The rest of the content then goes on beside the answer, until `pass_answer` is through with it.
    Raises ClientGoneError, BadRequestError, UpstreamError.
    """
    connection.start(exchange.request.method, head, exchange.pass_interim)
    if not exchange.request.has_body:
        return await connection.answer()
    sending = exchange.sending = asyncio.ensure_future(send_content(exchange, connection))
    answering = asyncio.ensure_future(connection.answer())
    try:
        await asyncio.wait({sending, answering}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            error = sending.exception()
            if isinstance(error, FieldError):
                exchange.connection.closing = True
                raise BadRequestError(f"the content cannot be read: {error}")
            if isinstance(error, ClientGoneError):
                raise error
        answer = await answering
    except BaseException:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        await _stop_sending(exchange)
        raise
    sending.add_done_callback(lambda done: _give_up(done, connection))
    return answer


def _give_up(sending: asyncio.Task[None], connection: UpstreamConnection) -> None:
    """The client will never send the rest: what the upstream answers to it is worth nothing."""
    if not sending.cancelled() and isinstance(sending.exception(), ClientGoneError | FieldError):
        connection.abort()

"""One HTTP/1.1 connection to an upstream: one request at a time, content poured into a sink.

Content is received into memory that the sink owns (a block's buffer), so a filled block was
copied once, by the kernel. Interim answers are handed on, bytes after the end of an answer cost
the connection and not the answer (RFC 9112 9.3, 15.2 of RFC 9110).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, cast

from cdnkit.errors import UpstreamError, UpstreamTimeoutError
from edge.http1.chunked import ChunkedDecoder
from edge.http1.fields import FieldError
from edge.http1.response import (
    RESPONSE_HEAD_BYTES_MAX,
    Framing,
    ResponseHead,
    parse_response,
)
from edge.upstream.failures import FailedError, Failure, LateError
from edge.upstream.limits import PoolLimits

_STAGING_BYTES: Final = 64 * 1024
_NOTHING: Final = memoryview(b"")
BURST_BYTES: Final = 512 * 1024
"""Received from one upstream before hits and other fills get their turn of the thread."""
_INTERIM_MAX: Final = 64
"""An upstream with more interim answers than this to one request will never come to the point."""
InterimListener = Callable[[ResponseHead], None]


class Sink(Protocol):
    """Where content goes."""

    def view(self) -> memoryview:
        """Memory for the next bytes; empty only when there is no use for more."""

    def received(self, size: int) -> bool:
        """The first `size` bytes of the last view are filled; False stops the pouring."""


class UpstreamConnection(asyncio.BufferedProtocol):
    """Ask with `request`, then take the content with `pour`; afterwards ask `reusable`."""

    def __init__(self, limits: PoolLimits) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._staged = memoryview(bytearray(_STAGING_BYTES))
        self._head = b""
        self._method = b""
        self._waiting_head: asyncio.Future[ResponseHead] | None = None
        self._on_interim: InterimListener | None = None
        self._sink: Sink | None = None
        self._poured: asyncio.Future[bool] | None = None
        self._framing = Framing.NONE
        self._left = 0
        self._decoder: ChunkedDecoder | None = None
        self._leftover = b""
        self._direct = False
        self._reading = True
        self._burst_bytes = 0
        self._held = False
        self._heard = 0.0
        self._head_since = 0.0
        self._began = False
        self._watch: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._keep_alive = False
        self._idle = True
        self._ended = False
        self._interim_count = 0
        self.closed = False
        self.requests = 0
        self.content_bytes = 0
        """Content received of the present answer."""

    @property
    def reusable(self) -> bool:
        """Whether another request may follow on this connection."""
        return self._idle and self._keep_alive and not self.closed and not self._ended

    async def request(
        self, method: bytes, head: bytes, on_interim: InterimListener | None = None
    ) -> ResponseHead:
        """Send a request head and wait for the final answer's head.

        Content of the request, if any, is sent by `write` from another task. Raises UpstreamError.
        """
        self.start(method, head, on_interim)
        return await self.answer()

    def start(self, method: bytes, head: bytes, on_interim: InterimListener | None = None) -> None:
        """Send a request head; `answer` waits for what comes back."""
        if self.closed or self._transport is None:
            raise FailedError(Failure.CUT, "the connection to the upstream was closed")
        self.requests += 1
        self.content_bytes = 0
        self._idle = False
        self._method = method
        self._on_interim = on_interim
        self._head = b""
        self._interim_count = 0
        self._poured = None
        self._waiting_head = self._loop.create_future()
        self._began = False
        self._heard = self._loop.time()
        self._transport.write(head)
        self._watch_silence()

    async def answer(self) -> ResponseHead:
        """The final answer's head. Raises UpstreamError."""
        assert self._waiting_head is not None
        try:
            return await self._waiting_head
        except asyncio.CancelledError:
            self.abort()
            raise

    async def write(self, data: bytes) -> None:
        """Send content of the request, waiting while the upstream reads slower."""
        await self._writable.wait()
        if self.closed or self._transport is None:
            raise UpstreamError("the connection to the upstream was closed")
        # An upstream that takes content is not silent, however slowly the client brings it.
        self._heard = self._loop.time()
        self._transport.write(data)

    async def pour(self, sink: Sink) -> bool:
        """Receive the content into `sink`; False when the sink stopped it before its end.

        Raises UpstreamError when the content ends before its announced end.
        """
        if self._framing is Framing.NONE or (self._framing is Framing.LENGTH and not self._left):
            if self._leftover:
                self._keep_alive = False
            self._end(complete=True)
            return True
        self._sink = sink
        poured: asyncio.Future[bool] = self._loop.create_future()
        self._poured = poured
        leftover, self._leftover = self._leftover, b""
        try:
            if leftover:
                self._take(memoryview(leftover))
            if not poured.done():
                if self.closed:
                    self._lost()
                else:
                    self._heard = self._loop.time()
                    self._watch_silence()
                    self._read(not self._held)
            return await poured
        finally:
            self._sink = None
            if not poured.done() or poured.cancelled():
                self.abort()

    def pause(self) -> None:
        """Take nothing more from the socket for now."""
        self._held = True
        self._read(False)

    def resume(self) -> None:
        """Go on receiving."""
        if self._held:
            self._held = False
            self._heard = self._loop.time()
            # Without a sink there is nowhere to receive to; `pour` will go on.
            self._read(self._sink is not None or self._idle)

    def stop(self) -> None:
        """The sink of the answer wants no more of it."""
        if self._sink is not None:
            self._end(complete=False)

    def forbid_reuse(self) -> None:
        """No other request may follow: not all of this one's content was sent."""
        self._keep_alive = False

    def abort(self) -> None:
        """Close at once."""
        self._keep_alive = False
        if self._transport is not None and not self.closed:
            self._transport.abort()
        self.closed = True
        self._stop_watch()

    # asyncio.BufferedProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def get_buffer(self, sizehint: int) -> memoryview:
        if self._sink is not None and self._framing is Framing.LENGTH:
            view = self._sink.view()[: self._left]
            if view:
                self._direct = True
                return view
        self._direct = False
        return self._staged

    def buffer_updated(self, nbytes: int) -> None:
        self._heard = self._loop.time()
        self._began = True
        if self._direct:
            assert self._sink is not None
            self._left -= nbytes
            self.content_bytes += nbytes
            going_on = self._sink.received(nbytes)
            if not self._left:
                self._end(complete=True)
            elif not going_on:
                self._end(complete=False)
            else:
                self._take_turns(nbytes)
        elif self._sink is not None:
            self._take(self._staged[:nbytes])
        elif self._waiting_head is not None and not self._waiting_head.done():
            self._read_head(bytes(self._staged[:nbytes]))
        elif self._idle:
            # An unasked-for message: whatever it is, it is not the next answer.
            self.abort()
        else:
            self._leftover += bytes(self._staged[:nbytes])

    def eof_received(self) -> bool:
        self._ended = True
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        # Only an orderly end can end content of unannounced length (RFC 9112 8).
        self._ended = self._ended and exc is None
        # The collector comes rarely, and requests that were refused may leave cycles behind.
        self._staged = _NOTHING
        self._writable.set()
        self._stop_watch()
        waiting = self._waiting_head
        if waiting is not None and not waiting.done():
            reason = "the upstream closed before it answered"
            waiting.set_exception(FailedError(Failure.CUT, reason))
        if self._poured is not None and not self._poured.done():
            self._lost()

    def _take_turns(self, size: int) -> None:
        """Let others have the thread after a burst: a fast upstream would fill it for long."""
        self._burst_bytes += size
        if self._burst_bytes >= BURST_BYTES and self._reading:
            self._read(False)
            self._loop.call_soon(self._next_burst)

    def _next_burst(self) -> None:
        self._burst_bytes = 0
        if self._sink is not None and not self._held:
            self._read(True)

    # the course of an answer

    def _read(self, reading: bool) -> None:
        """Let the transport receive, or not."""
        if reading is self._reading or self._transport is None or self.closed:
            return
        self._reading = reading
        if reading:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _lost(self) -> None:
        assert self._poured is not None
        if self._framing is Framing.CLOSE and self._ended:
            self._poured.set_result(True)
        else:
            self._poured.set_exception(UpstreamError("the upstream cut its answer short"))

    def _read_head(self, data: bytes) -> None:
        unsearched = max(0, len(self._head) - 3)
        self._head += data
        assert self._waiting_head is not None
        while True:
            end = self._head.find(b"\r\n\r\n", unsearched, RESPONSE_HEAD_BYTES_MAX + 4)
            if end < 0:
                if len(self._head) <= len(data):
                    # The first of a head that is not whole yet: its time begins.
                    self._head_since = self._heard
                    self._watch_silence()
                if len(self._head) > RESPONSE_HEAD_BYTES_MAX + 3:
                    self._fail_head("the upstream's answer has too long a head")
                elif b"\n\n" in self._head[unsearched:]:
                    # Waiting for the end of such a head would last until the time limit.
                    self._fail_head("the upstream's answer is malformed: lines end in bare LF")
                return
            unsearched = 0
            text, self._head = self._head[:end], self._head[end + 4 :]
            try:
                head = parse_response(
                    text, self._method, unknown_codings=self._limits.unknown_codings
                )
            except FieldError as error:
                self._fail_head(f"the upstream's answer is malformed: {error}")
                return
            if head.status >= 200:
                break
            if head.status == 101:
                self._fail_head("the upstream switched protocols unasked")
                return
            self._interim_count += 1
            if self._interim_count > _INTERIM_MAX:
                self._fail_head("the upstream sends interim answers without end")
                return
            if self._on_interim is not None:
                self._on_interim(head)
        self._begin_content(head)

    def _begin_content(self, head: ResponseHead) -> None:
        self._framing = head.framing
        self._left = head.content_length
        self._keep_alive = head.keep_alive
        self._decoder = ChunkedDecoder() if head.framing is Framing.CHUNKED else None
        self._leftover, self._head = self._head, b""
        self._stop_watch()
        # Nothing is received until somebody says where to.
        self._read(False)
        assert self._waiting_head is not None
        if not self._waiting_head.done():
            self._waiting_head.set_result(head)

    def _fail_head(self, reason: str) -> None:
        assert self._waiting_head is not None
        if not self._waiting_head.done():
            self._waiting_head.set_exception(FailedError(Failure.MALFORMED, reason))
        self.abort()

    def _take(self, data: memoryview) -> None:
        """Content that did not arrive in the sink's own memory."""
        if self._decoder is not None:
            self._take_chunked(self._decoder, data)
            return
        if self._framing is Framing.LENGTH:
            data, beyond = data[: self._left], data[self._left :]
            if beyond:
                self._keep_alive = False
        going_on = self._copy(data)
        if self._framing is Framing.LENGTH and not self._left:
            self._end(complete=True)
        elif not going_on:
            self._end(complete=False)

    def _take_chunked(self, decoder: ChunkedDecoder, data: memoryview) -> None:
        try:
            for piece in decoder.feed(bytes(data)):
                if not self._copy(memoryview(piece)):
                    self._end(complete=False)
                    return
        except FieldError:
            self.abort()
            if self._poured is not None and not self._poured.done():
                self._poured.set_exception(UpstreamError("the upstream's chunks are malformed"))
            return
        if decoder.done:
            if decoder.rest:
                self._keep_alive = False
            self._end(complete=True)

    def _copy(self, data: memoryview) -> bool:
        """Give the sink what it takes; False when it wants no more."""
        sink = self._sink
        assert sink is not None
        while data:
            view = sink.view()
            size = min(len(view), len(data))
            if not size:
                return False
            view[:size] = data[:size]
            data = data[size:]
            self._left -= size
            self.content_bytes += size
            if not sink.received(size):
                return False
        return True

    def _end(self, complete: bool) -> None:
        """The content is over: all of it, or as much as the sink wanted."""
        self._idle = True
        self._sink = None
        self._held = False
        self._stop_watch()
        if self._poured is not None and not self._poured.done():
            self._poured.set_result(complete)
        if not complete or not self._keep_alive:
            self.abort()
        else:
            # An idle connection listens for its end.
            self._read(True)

    # silence

    @property
    def _due(self) -> float:
        """When the upstream is late, unless it says something before; a head has no extension."""
        if not self._began:
            return self._heard + self._limits.first_byte_timeout_seconds
        due = self._heard + self._limits.read_timeout_seconds
        if self._head:
            due = min(due, self._head_since + self._limits.first_byte_timeout_seconds)
        return due

    def _watch_silence(self) -> None:
        self._stop_watch()
        self._watch = self._loop.call_at(self._due, self._silence)

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _silence(self) -> None:
        self._watch = None
        waiting = self._waiting_head
        if self._held:
            # While we do not listen, nobody is silent.
            self._heard = self._loop.time()
        if self._loop.time() < self._due:
            self._watch_silence()
            return
        if waiting is not None and not waiting.done():
            reason = "the upstream did not answer in time"
            waiting.set_exception(LateError(Failure.SILENT, reason))
        elif self._poured is not None and not self._poured.done():
            self._poured.set_exception(UpstreamTimeoutError("the upstream fell silent"))
        self.abort()

"""Answer GET and HEAD for a stored object by way of aiohttp.

What is answered is `origin.reply`, how the bytes of a file reach the socket is `origin.send`. A
body is announced only once its bytes are at hand, and one that cannot be completed raises, so that
the connection breaks and no client takes a part for the whole.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import cast

from aiohttp import web

from cdnkit.errors import UnavailableError
from cdnkit.service.exchange import EXCHANGE, note_raw_body
from cdnkit.service.tracing import step
from origin.reply import Interval, Said, plan_reply
from origin.requests import fields_of
from origin.send import STALL_SECONDS_DEFAULT, WINDOW_BYTES, Outlet, open_outlet
from origin.store.base import ByteStore, Lease, StoredObject
from origin.store.crc32c import Piece


async def deliver(
    request: web.Request,
    stored: StoredObject,
    said: Said,
    store: ByteStore,
    *,
    stall_seconds: float = STALL_SECONDS_DEFAULT,
) -> web.StreamResponse:
    """Answer a GET or HEAD of `stored`.

    Raises PreconditionFailedError, RangeNotSatisfiableError, and what the store raises; after the
    head, anything raised means that the body is cut short.
    """
    reply = plan_reply(request.method, fields_of(request), said, new_boundary)
    headers = {**reply.fields, **reply.more}
    if reply.length is None:
        return web.Response(status=reply.status, headers=headers)
    response = web.StreamResponse(status=reply.status, headers=headers)
    response.content_length = reply.length
    if not reply.segments:
        await response.prepare(request)
        return response
    with step("read store", bytes=reply.length):
        await _Sender(request, response, store, stored, stall_seconds).send(reply.segments)
    return response


def new_boundary() -> str:
    """What separates the parts of a body; not guessable, so that no film contains it."""
    return secrets.token_hex(16)


async def _ready_first(leases: Sequence[Lease]) -> None:
    """Be sure of the first bytes while an error can still be said in a head."""
    for piece in (lease.slices[0] for lease in leases[:1] if lease.slices):
        stop = min(piece.stop, piece.start + WINDOW_BYTES)
        if not leases[0].is_ready(0, piece.start, stop):
            await leases[0].make_ready(0, piece.start, stop)


class _Sender:
    """One answer with a body."""

    def __init__(
        self,
        request: web.Request,
        response: web.StreamResponse,
        store: ByteStore,
        stored: StoredObject,
        stall_seconds: float,
    ) -> None:
        self._request = request
        self._response = response
        self._store = store
        self._stored = stored
        self._stall_seconds = stall_seconds

    async def send(self, segments: Sequence[bytes | Interval]) -> None:
        """Make sure of the bytes, then send the head and all segments."""
        intervals = [part for part in segments if not isinstance(part, bytes)]
        leases: list[Lease] = []
        try:
            for start, stop in intervals:
                lease = await self._store.lease(self._stored, start, stop)
                if lease is None:
                    break
                leases.append(lease)
            outlet = None
            if len(leases) == len(intervals):
                await _ready_first(leases)
                outlet = open_outlet(self._request.transport, self._stall_seconds, self._count)
            if outlet is None:
                await self._stream_all(segments)
            else:
                with outlet:
                    await self._send_all(segments, iter(leases), outlet)
        finally:
            for lease in leases:
                lease.release()

    async def _send_all(
        self, segments: Sequence[bytes | Interval], leases: Iterator[Lease], outlet: Outlet
    ) -> None:
        """Files to socket."""
        await self._response.prepare(self._request)
        for segment in segments:
            if isinstance(segment, bytes):
                await self._response.write(segment)
                continue
            await outlet.flush()
            await outlet.send(next(leases))

    async def _stream_all(self, segments: Sequence[bytes | Interval]) -> None:
        """By way of the transport, as TLS and distant stores need it."""
        for segment in segments:
            if isinstance(segment, bytes):
                await self._response.prepare(self._request)
                await self._response.write(segment)
            else:
                start, stop = segment
                await self._write(self._read(start, stop), stop - start)

    def _read(self, start: int, stop: int) -> AsyncGenerator[Piece, None]:
        return cast(AsyncGenerator[Piece, None], self._store.read(self._stored, start, stop))

    async def _write(self, pieces: AsyncGenerator[Piece, None], size_bytes: int) -> None:
        """Write all pieces; the head goes out with the first, so that no byte, no head."""
        written = 0
        async with aclosing(pieces):
            async for piece in pieces:
                await self._response.prepare(self._request)
                await self._response.write(piece)
                written += len(piece)
        if written != size_bytes:
            raise UnavailableError(f"the store gave {written} of {size_bytes} bytes")
        await self._response.prepare(self._request)

    def _count(self, size_bytes: int) -> None:
        """Tell aiohttp's log and ours of bytes that their writer has not seen."""
        self._request.writer.output_size += size_bytes
        if EXCHANGE in self._request:
            note_raw_body(self._request, size_bytes)

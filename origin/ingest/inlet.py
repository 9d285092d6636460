"""Receives the body of a request straight from the client's socket, past aiohttp's reader.

Each byte is copied once, by the kernel, into memory that is used again, in pieces that end where
mebibytes of the object end, so that a writer keeps them as they are. The socket is duplicated and
read here while the transport reads nothing. Only bytes are received here: an end, an error, and
what follows a body that is given up are left to the connection, which takes its socket back.
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Final

from aiohttp import StreamReader, web
from aiohttp.helpers import set_result

from cdnkit.service.connections import GuardedHandler
from origin.store.crc32c import Piece
from origin.store.piece_memory import PIECES
from origin.store.sums import PIECE_BYTES

LEAST_BYTES: Final = 256 * 1024
"""Bodies of which less is to come are not worth it."""

WAKE_BYTES: Final = 2 * PIECE_BYTES
"""How much we wait for, if so much is to come: being woken costs as much as receiving a half."""


class Inlet:
    """The body of one request. `close` when it is received or given up."""

    def __init__(
        self, handler: GuardedHandler, content: StreamReader, body_bytes: int, offset: int
    ) -> None:
        self._handler = handler
        self._content = content
        self._body_bytes = body_bytes
        self._offset = offset
        self._position = 0
        self._is_begun = False
        self._sock: socket.socket | None = None
        self._room: memoryview | None = None
        self._is_room_fresh = True

    async def read(self, silence_seconds: float) -> Piece:
        """The next piece; an empty one at the end. Raises as `readany`, and TimeoutError."""
        if not self._is_begun:
            self._is_begun = True
            first = self._begin()
            if first:
                return first
        data: Piece = b""
        if self._sock is not None:
            data = await self._receive(self._sock, silence_seconds)
            self._position += len(data)
            if not data or self._position == self._body_bytes:
                self.close()
        if data:
            return data
        async with asyncio.timeout(silence_seconds):
            return await self._content.readany()

    def close(self) -> None:
        """Give the socket back to the connection."""
        if self._sock is not None:
            # The option is the connection's, not the duplicate's.
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
            self._sock.close()
            self._sock = None
            self._handler.end_body(self._content, self._body_bytes - self._position)

    def _begin(self) -> bytes:
        """Take what aiohttp has read, and the socket if much is still to come."""
        content, transport = self._content, self._handler.transport
        if content.is_eof() or content.exception() is not None or transport is None:
            return b""
        drained = []
        while content._buffer:
            # Its parser may have more, and then gives it to the reader now.
            drained.append(content.read_nowait())
        self._position = content.total_bytes
        if self._body_bytes - self._position >= LEAST_BYTES and not transport.is_closing():
            transport.pause_reading()
            descriptor = os.dup(transport.get_extra_info("socket").fileno())
            self._sock = socket.socket(fileno=descriptor)
        return b"".join(drained)

    async def _receive(self, sock: socket.socket, silence_seconds: float) -> Piece:
        """All up to the end of the mebibyte; less when no more comes, nothing at the end."""
        filled, is_late = 0, False
        while True:
            error = self._content.exception()
            if error is not None:
                raise error
            room = self._room_left()
            received = _receive_now(sock, room[filled:])
            if received is None and is_late and not filled:
                raise TimeoutError
            filled += received or 0
            if filled == len(room) or is_late or received == 0:
                return self._hand_out(room, filled)
            wanted = min(WAKE_BYTES, self._body_bytes - self._position - filled)
            if not filled:
                # However many wait for slow clients, what has not come takes no memory.
                self._give_back_fresh()
            del room
            try:
                await self._wait(sock, wanted, silence_seconds)
            except TimeoutError:
                is_late = True  # less than wanted may lie there

    def _room_left(self) -> memoryview:
        """Memory for what is to come, up to the end of the mebibyte or of the body."""
        start = (self._offset + self._position) % PIECE_BYTES
        if self._room is None:
            self._room = PIECES.take()
            self._is_room_fresh = True
        return self._room[start : min(PIECE_BYTES, start + self._body_bytes - self._position)]

    def _give_back_fresh(self) -> None:
        if self._is_room_fresh:
            self._room = None

    def _hand_out(self, room: memoryview, filled: int) -> memoryview:
        """What was received. A mebibyte that is full is no longer ours."""
        self._is_room_fresh = False
        if filled == len(room):
            self._room = None
        return room[:filled]

    async def _wait(self, sock: socket.socket, wanted: int, silence_seconds: float) -> None:
        """Until all that is wanted can be had at once, or the connection has ended."""
        loop = asyncio.get_running_loop()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wanted)
        loop.add_reader(sock.fileno(), self._wake)
        try:
            async with asyncio.timeout(silence_seconds):
                # As the reader waits itself, so whoever ends the request ends the waiting.
                await self._content._wait("receive")
        finally:
            loop.remove_reader(sock.fileno())

    def _wake(self) -> None:
        waiter, self._content._waiter = self._content._waiter, None
        if waiter is not None:
            set_result(waiter, None)


def open_inlet(request: web.Request, offset: int = 0) -> Inlet | None:
    """A way past aiohttp for a body that begins at `offset` of an object.

    None when there is none, as for chunked bodies and under TLS.
    """
    handler, length = request.protocol, request.content_length
    if not isinstance(handler, GuardedHandler) or length is None or length < LEAST_BYTES:
        return None
    transport = request.transport
    if transport is None or transport.get_extra_info("sslcontext") is not None:
        return None
    sock = transport.get_extra_info("socket")
    if sock is None or sock.type != socket.SOCK_STREAM or sock.fileno() < 0:
        return None
    return Inlet(handler, request.content, length, offset)


def _receive_now(sock: socket.socket, room: memoryview) -> int | None:
    """How much was there, None when nothing yet, 0 when nothing will be."""
    try:
        return sock.recv_into(room)
    except BlockingIOError:
        return None
    except OSError:
        return 0

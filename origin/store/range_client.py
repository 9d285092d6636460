"""Asks an S3 service for ranges over sockets of its own, past the client library.

The library copies each byte three times and hops between threads for each chunk; here the kernel
copies it once, into memory that is used again (docs/decisions/0052-reads-past-the-client.md). Only
what goes well goes this way: whatever else happens is an error, upon which the caller asks the
library for the rest. What comes next gathers in the kernel while the present piece is sent.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from typing import Final
from urllib.parse import urlsplit

from origin.store.piece_memory import PIECES
from origin.store.range_answers import (
    OtherAnswerError,
    RangeAnswer,
    format_range_request,
    parse_range_answer,
)
from origin.store.sums import PIECE_BYTES

CHUNK_BYTES: Final = PIECE_BYTES // 2
"""How much has to be there before we are woken, if so much is to come: half of it costs a tenth
more, twice as much holds up what could be sent already."""

SIGNED_SECONDS: Final = 3600.0
"""How long a signed URL holds; it is used for half of that."""

IDLE_SECONDS: Final = 30.0
"""How long a connection is worth a request: what lies between may have forgotten it unheard."""

_SIGNED_MAX: Final = 10_000
_IDLE_MAX: Final = 32
_HEAD_BYTES: Final = 4096
_PROXIES: Final = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


class RangeClient:
    """Connections to one service; `sign` gives URLs of the names of objects that hold so long.

    `read` raises OSError, of which TimeoutError and OtherAnswerError are kinds.
    """

    def __init__(
        self,
        host: str,
        port: int,
        sign: Callable[[str], str],
        now: Callable[[], float],
        *,
        connect_seconds: float,
        silence_seconds: float,
    ) -> None:
        self._address = (host, port)
        self._sign = sign
        self._now = now
        self._connect_seconds = connect_seconds
        self._silence_seconds = silence_seconds
        self._signed: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._idle: list[tuple[socket.socket, float]] = []

    async def read(self, name: str, start: int, stop: int) -> AsyncGenerator[memoryview, None]:
        """Yield `[start, stop)` of an object as it comes."""
        request = format_range_request(self._url(name), start, stop)
        sock = self._take_idle() or await self._connect()
        is_whole = False
        try:
            sock.sendall(request)  # a new or idle connection has room for it
            answer, room, filled = await self._head(sock, start, stop)
            begun = room[answer.body_at : filled]
            start += len(begun)
            if begun:
                yield begun
            while start < stop:
                wanted = min(CHUNK_BYTES, stop - start)
                if len(room) - filled < wanted:
                    room, filled = PIECES.take(), 0
                received = await self._receive(sock, room[filled:][: stop - start], wanted)
                start, filled = start + received, filled + received
                yield room[filled - received : filled]
            is_whole = start == stop and not answer.is_last
        finally:
            self._close_old()
            if is_whole and len(self._idle) < _IDLE_MAX:
                self._idle.append((sock, self._now()))
            else:
                sock.close()

    def close(self) -> None:
        """Let go of connections nobody uses."""
        while self._idle:
            self._idle.pop()[0].close()

    async def _head(
        self, sock: socket.socket, start: int, stop: int
    ) -> tuple[RangeAnswer, memoryview, int]:
        """The head, and what came with it: memory, and how much of it is filled."""
        room, filled = PIECES.take(), 0
        while True:
            # Little, so that what follows goes where whole pieces go.
            filled += await self._receive(sock, room[filled : filled + _HEAD_BYTES], 1)
            answer = parse_range_answer(bytes(room[:filled]), start, stop)
            if answer is not None:
                if filled - answer.body_at > stop - start:
                    raise OtherAnswerError("more than its length")
                return answer, room, filled

    async def _receive(self, sock: socket.socket, room: memoryview, wanted: int) -> int:
        """Fill room with what there is, which is what is wanted or more if it comes in time."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wanted)
        is_late = False
        while True:
            try:
                received = sock.recv_into(room)
            except BlockingIOError:
                if is_late:
                    raise TimeoutError("the object store sends nothing") from None
            else:
                if not received:
                    raise ConnectionResetError("the object store ended the connection")
                return received
            is_late = not await self._readable(sock)

    async def _readable(self, sock: socket.socket) -> bool:
        """Whether there is what is wanted before the silence was too long."""
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        timer = loop.call_later(self._silence_seconds, _finish, waiter, False)
        loop.add_reader(sock.fileno(), _finish, waiter, True)
        try:
            return bool(await waiter)
        finally:
            loop.remove_reader(sock.fileno())
            timer.cancel()

    def _take_idle(self) -> socket.socket | None:
        """The connection used last; those that the service has ended are not worth a request."""
        self._close_old()
        while self._idle:
            sock, _ = self._idle.pop()
            try:
                sock.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                return sock
            except OSError:
                pass
            sock.close()
        return None

    def _close_old(self) -> None:
        until = self._now() - IDLE_SECONDS
        while self._idle and self._idle[0][1] < until:
            self._idle.pop(0)[0].close()

    async def _connect(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._connect_seconds):
            found = await loop.getaddrinfo(*self._address, type=socket.SOCK_STREAM)
            failure: OSError = ConnectionError("the object store has no address")
            for family, kind, protocol, _, address in found:
                sock = socket.socket(family, kind, protocol)
                sock.setblocking(False)
                try:
                    await loop.sock_connect(sock, address)
                except OSError as error:
                    sock.close()
                    failure = error
                except BaseException:
                    sock.close()
                    raise
                else:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    # The kernel makes room for so much, and keeps it when less is waited for.
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 2 * PIECE_BYTES)
                    return sock
            raise failure

    def _url(self, name: str) -> str:
        url, until = self._signed.pop(name, ("", 0.0))
        now = self._now()
        if now >= until:
            url, until = self._sign(name), now + SIGNED_SECONDS / 2
        self._signed[name] = (url, until)
        if len(self._signed) > _SIGNED_MAX:
            self._signed.popitem(last=False)
        return url


def open_range_client(
    endpoint: str,
    sign: Callable[[str], str],
    now: Callable[[], float],
    *,
    connect_seconds: float,
    silence_seconds: float,
) -> RangeClient | None:
    """A client of a service; None where it is reached by TLS or by way of a proxy."""
    parts = urlsplit(endpoint)
    if parts.scheme != "http" or not parts.hostname or any(map(os.environ.get, _PROXIES)):
        return None
    return RangeClient(
        parts.hostname,
        parts.port or 80,
        sign,
        now,
        connect_seconds=connect_seconds,
        silence_seconds=silence_seconds,
    )


def _finish(waiter: asyncio.Future[bool], in_time: bool) -> None:
    if not waiter.done():
        waiter.set_result(in_time)

"""Send file bytes straight from descriptors to a client's socket, past aiohttp's writer.

uvloop has no `loop.sendfile`, so the socket is duplicated and written here while the transport's
own buffer is empty; the duplicate can be polled beside the transport and never turns into another
connection's descriptor. Knows nothing of objects or HTTP; decides only when to wait, for the
client, for the disk, and for the other clients of this loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from typing import Final, NoReturn

from origin.store.base import Lease

WINDOW_BYTES: Final = 1024 * 1024
STALL_SECONDS_DEFAULT: Final = 60.0

log = logging.getLogger(__name__)


class Outlet:
    """The socket of one connection while one answer is sent. Use as a context manager.

    `count` is called with the number of bytes of each step. Every method raises
    ConnectionResetError when the client is gone, or took nothing for `stall_seconds`.
    """

    def __init__(
        self, transport: asyncio.Transport, stall_seconds: float, count: Callable[[int], None]
    ) -> None:
        self._transport = transport
        self._stall_seconds = stall_seconds
        self._count = count
        self._loop = asyncio.get_running_loop()
        self._fd = os.dup(transport.get_extra_info("socket").fileno())

    def __enter__(self) -> Outlet:
        return self

    def __exit__(self, *exc_info: object) -> None:
        os.close(self._fd)

    async def flush(self) -> None:
        """Wait until the transport has nothing left to write: our bytes come after its own."""
        while self._transport.get_write_buffer_size():
            await asyncio.sleep(0)
            if self._transport.get_write_buffer_size():
                await self._writable()
        self._check_connected()

    async def send(self, lease: Lease) -> None:
        """Send all of a lease. Raises what the store raises when no copy is good any more."""
        for position, piece in enumerate(lease.slices):
            at = piece.start
            while at < piece.stop:
                self._check_connected()
                window = min(WINDOW_BYTES, piece.stop - at)
                if not lease.is_ready(position, at, at + window):
                    await lease.make_ready(position, at, at + window)
                sent = await self._send_some(lease, position, at, window)
                at += sent
                self._count(sent)
                if sent < window:
                    await self._writable()
                elif at < piece.stop:
                    await asyncio.sleep(0)

    async def _send_some(self, lease: Lease, position: int, at: int, window: int) -> int:
        """What the socket takes now; a file that cannot be sent is replaced by another copy."""
        try:
            sent = os.sendfile(self._fd, lease.slices[position].fd, at, window)
        except BlockingIOError:
            return 0
        except (ConnectionError, TimeoutError) as error:
            self._break(str(error))
        except OSError as error:
            log.warning("another copy is sent: %s", error)
            await lease.replace(position)
            return 0
        if not sent:
            await lease.replace(position)
        return sent

    async def _writable(self) -> None:
        waiter = self._loop.create_future()
        timer = self._loop.call_later(self._stall_seconds, _finish, waiter, False)
        self._loop.add_writer(self._fd, _finish, waiter, True)
        try:
            in_time = await waiter
        finally:
            # Before the descriptor is closed: its registration would outlive it.
            self._loop.remove_writer(self._fd)
            timer.cancel()
        if not in_time:
            self._break(f"the client took nothing for {self._stall_seconds} s")

    def _check_connected(self) -> None:
        if self._transport.is_closing():
            raise ConnectionResetError("the client is gone")

    def _break(self, reason: str) -> NoReturn:
        self._transport.abort()
        raise ConnectionResetError(reason)


def open_outlet(
    transport: asyncio.Transport | None, stall_seconds: float, count: Callable[[int], None]
) -> Outlet | None:
    """A way past the transport; None when there is none, as under TLS."""
    if transport is None or transport.get_extra_info("sslcontext") is not None:
        return None
    sock = transport.get_extra_info("socket")
    if sock is None or sock.type != socket.SOCK_STREAM or sock.fileno() < 0:
        return None
    return Outlet(transport, stall_seconds, count)


def _finish(waiter: asyncio.Future[bool], in_time: bool) -> None:
    if not waiter.done():
        waiter.set_result(in_time)

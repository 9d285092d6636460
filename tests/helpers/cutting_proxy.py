"""A line that breaks: passes bytes to a server and resets the connection after so and so many."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_RESET = struct.pack("ii", 1, 0)
_PIECE_BYTES = 16 * 1024


@dataclass(slots=True)
class CuttingProxy:
    """`cuts`: after how many more bytes to the server the line breaks, each in turn; then never.

    After `hold_at` bytes in all it sets `held` and passes nothing until `released`.
    """

    target_port: int
    cuts: list[int]
    hold_at: int | None = None
    held: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    broken: int = 0
    passed_bytes: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it or it breaks."""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        pumps = [
            asyncio.create_task(self._pump_up(reader, far_writer)),
            asyncio.create_task(_pump(far_reader, writer)),
        ]
        self._tasks.update(pumps)
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._tasks.difference_update(pumps)
            for each in (writer, far_writer):
                each.close()

    async def _pump_up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(_PIECE_BYTES):
                writer.write(data)
                await writer.drain()
                self.passed_bytes += len(data)
                if self.hold_at is not None and self.passed_bytes >= self.hold_at:
                    self.held.set()
                    await self.released.wait()
                if self.cuts and self.passed_bytes >= self.cuts[0]:
                    self.passed_bytes = 0
                    self.cuts.pop(0)
                    self.broken += 1
                    _break(writer)
                    return
            if writer.can_write_eof():
                writer.write_eof()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(_PIECE_BYTES):
            writer.write(data)
            await writer.drain()


def _break(writer: asyncio.StreamWriter) -> None:
    held: socket.socket | None = writer.get_extra_info("socket")
    if held is not None:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


@asynccontextmanager
async def cutting_proxy(
    target_port: int, cuts: Sequence[int] = (), hold_at: int | None = None
) -> AsyncIterator[CuttingProxy]:
    """A proxy on a free port of loopback."""
    proxy = CuttingProxy(target_port, list(cuts), hold_at)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    async with server:
        yield proxy

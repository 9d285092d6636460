"""A line of TCP that breaks in every way a network does, in the process of a test.

Bytes pass in order and whole; how late, how fast, and whether at all is the line's `Weather`.
Two things are done to the connections there are: `reset` ends them with RST on both sides,
`half_open` lets the server believe its client has gone and leaves the client waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any, Final

from tests.faults.link import FAIR, Weather, paced_seconds

HOST: Final = "127.0.0.1"
PIECE_BYTES: Final = 16 * 1024
_PIECES_ON_THE_WAY: Final = 256
_POLL_SECONDS: Final = 0.01
_RESET: Final = struct.pack("ii", 1, 0)


class _Pair:
    """The two connections of one client: `beginning` is the first that the client said."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server
        self.beginning = b""
        self.detached = False
        self.ended = asyncio.Event()

    def cut(self) -> None:
        """End both with RST."""
        _abort(self.client)
        _abort(self.server)
        self.ended.set()

    def detach(self) -> None:
        """End the server's side alone."""
        self.detached = True
        _abort(self.server)


class TcpProxy:
    """Passes connections to `target_port`. `weather` may be changed or replaced at any moment."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.weather = Weather()
        self.port = 0
        self._pairs: set[_Pair] = set()
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def open_connections(self) -> int:
        """Connections of clients that have not ended."""
        return len(self._pairs)

    def reset(self) -> None:
        """Break the connections the weather is meant for."""
        for pair in self._meant():
            pair.cut()

    def half_open(self) -> None:
        """Leave the clients with connections on which nobody answers, and that never end."""
        for pair in self._meant():
            pair.detach()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it or it breaks."""
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            if self.weather.refuses(b""):
                return
            # The server's own callback does not bear a task that was cancelled.
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._join(reader, writer)
        finally:
            self._serving.discard(task)
            _abort(writer)

    async def close(self) -> None:
        """Break everything; nothing is left behind when this returns."""
        for pair in list(self._pairs):
            pair.cut()
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(HOST, self.target_port)
        pair = _Pair(writer, far_writer)
        self._pairs.add(pair)
        up = asyncio.create_task(self._pump(pair, reader, far_writer, upward=True))
        down = asyncio.create_task(self._pump(pair, far_reader, writer, upward=False))
        broken = asyncio.create_task(pair.ended.wait())
        both: asyncio.Future[Any] = asyncio.gather(up, down)
        awaited: list[asyncio.Future[Any]] = [both, broken]
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            if not pair.ended.is_set():
                await _close(writer)
                await _close(far_writer)
        finally:
            self._pairs.discard(pair)
            for task in (up, down, broken):
                task.cancel()
            await asyncio.gather(both, broken, return_exceptions=True)
            _abort(far_writer)

    async def _pump(
        self,
        pair: _Pair,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        upward: bool,
    ) -> None:
        """One direction, as two tasks: what is on its way keeps nothing else from setting out."""
        way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_PIECES_ON_THE_WAY)
        sending = asyncio.create_task(self._send(pair, way, writer))
        try:
            await self._take(pair, reader, way, upward)
            await sending
        except OSError:
            pair.cut()
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _take(
        self,
        pair: _Pair,
        reader: asyncio.StreamReader,
        way: asyncio.Queue[tuple[float, bytes]],
        upward: bool,
    ) -> None:
        now = asyncio.get_running_loop().time
        while data := await reader.read(PIECE_BYTES):
            if upward and not pair.beginning:
                pair.beginning = data
                if self.weather.refuses(data):
                    raise ConnectionResetError
            await way.put((self._weather_of(pair).due_seconds(now()), data))
        if pair.detached and upward:
            raise ConnectionResetError  # the client has given up
        await way.put((self._weather_of(pair).due_seconds(now()), b""))

    async def _send(
        self, pair: _Pair, way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        now = asyncio.get_running_loop().time
        free_at = 0.0
        while True:
            due, data = await way.get()
            rate = self._weather_of(pair).bytes_per_second
            free_at = paced_seconds(free_at, now(), len(data), rate)
            await asyncio.sleep(max(due, free_at) - now())
            while self._weather_of(pair).stalled:  # noqa: ASYNC110 (weather tells nobody)
                await asyncio.sleep(_POLL_SECONDS)
            if pair.detached:
                continue  # nobody hears this, and the client is not told
            if not data:
                writer.write_eof()
                return
            writer.write(data)
            await writer.drain()

    def _meant(self) -> list[_Pair]:
        return [pair for pair in self._pairs if self.weather.concerns(pair.beginning)]

    def _weather_of(self, pair: _Pair) -> Weather:
        return self.weather if self.weather.concerns(pair.beginning) else FAIR


@contextlib.asynccontextmanager
async def tcp_proxy(
    target_port: int, port: int = 0, *, host: str = HOST
) -> AsyncIterator[TcpProxy]:
    """A line to a port of loopback, on a free port unless one is given."""
    proxy = TcpProxy(target_port)
    server = await asyncio.start_server(proxy.serve, host, port)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()


async def _close(writer: asyncio.StreamWriter) -> None:
    """End a connection once all that was written has left."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _abort(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST; one that has ended stays as it is."""
    held: socket.socket | None = writer.get_extra_info("socket")
    if held is not None and held.fileno() >= 0 and not writer.transport.is_closing():
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()

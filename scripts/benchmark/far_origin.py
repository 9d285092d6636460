"""A TCP relay before the origin that makes it far, slow and countable.

It runs in a thread of its own, beside the load: a round trip is added to each connection's start
and half of one to each direction, all connections share one rate towards the edges, and requests
and bytes that went through are counted. Distance and rate can be changed while it runs.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import uvloop

from scripts.benchmark.launch import HOST

_CHUNK_BYTES: Final = 128 * 1024
_CHUNKS_UNDER_WAY: Final = 32
_METHODS: Final = (b"GET ", b"HEAD ")

T = TypeVar("T")
Line = asyncio.Queue[tuple[float, bytes]]


@dataclass(frozen=True, slots=True)
class Pulled:
    """What went through since the counters were last taken."""

    requests: int
    bytes: int


class FarOrigin:
    """The relay. Use as a context manager; `port` is where edges pull from."""

    def __init__(self, origin_port: int, cores: set[int] | None = None) -> None:
        self.port = 0
        self._origin_port = origin_port
        self._cores = cores
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="far-origin", daemon=True)
        self._round_trip_seconds = 0.0
        self._bytes_per_second = 0.0
        self._link_free_at = 0.0
        self._requests = self._bytes = 0
        self._connections: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def place(self, round_trip_seconds: float, bytes_per_second: float) -> None:
        """Put the origin so far away; zero means no limit."""

        def set_both() -> None:
            self._round_trip_seconds = round_trip_seconds
            self._bytes_per_second = bytes_per_second
            self._link_free_at = 0.0

        self._in_loop(set_both)

    def hang_up(self) -> None:
        """Cut every connection, so that no fetch of before goes on."""

        def cancel_all() -> None:
            for connection in self._connections:
                connection.cancel()

        self._in_loop(cancel_all)

    def take_counts(self) -> Pulled:
        """What went through since the last call."""

        def take() -> Pulled:
            pulled = Pulled(self._requests, self._bytes)
            self._requests = self._bytes = 0
            return pulled

        return self._in_loop(take)

    def _run(self) -> None:
        if self._cores:
            os.sched_setaffinity(0, self._cores)
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def _in_loop(self, work: Callable[[], T]) -> T:
        async def do() -> T:
            return work()

        return self._call(do())

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(
            self._relay, HOST, 0, backlog=1024, limit=_CHUNK_BYTES
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _relay(self, edge_in: asyncio.StreamReader, edge_out: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        writers = [edge_out]
        parts: list[asyncio.Task[None]] = []
        try:
            origin_in, origin_out = await asyncio.open_connection(
                HOST, self._origin_port, limit=_CHUNK_BYTES
            )
            writers.append(origin_out)
            await asyncio.sleep(self._round_trip_seconds)
            up: Line = asyncio.Queue(_CHUNKS_UNDER_WAY)
            down: Line = asyncio.Queue(_CHUNKS_UNDER_WAY)
            parts = [
                asyncio.create_task(part)
                for part in (
                    self._read(edge_in, up, is_down=False),
                    self._write(up, origin_out, is_down=False),
                    self._read(origin_in, down, is_down=True),
                    self._write(down, edge_out, is_down=True),
                )
            ]
            # A reader ends only when cancelled, so the first to end is the one that wrote all.
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            for writer in writers:
                writer.close()
            self._connections.discard(task)

    async def _read(self, source: asyncio.StreamReader, line: Line, *, is_down: bool) -> None:
        while data := await source.read(_CHUNK_BYTES):
            if not is_down and data.startswith(_METHODS):
                self._requests += 1
            await line.put((self._due(len(data), is_down), data))
        await line.put((self._due(0, is_down), b""))
        await asyncio.Event().wait()

    async def _write(self, line: Line, sink: asyncio.StreamWriter, *, is_down: bool) -> None:
        while True:
            due, data = await line.get()
            if (wait := due - self._loop.time()) > 0:
                await asyncio.sleep(wait)
            if not data:
                await sink.drain()
                return
            sink.write(data)
            self._bytes += len(data) if is_down else 0
            await sink.drain()

    def _due(self, size_bytes: int, is_down: bool) -> float:
        start = self._loop.time()
        if is_down and self._bytes_per_second:
            start = max(self._link_free_at, start) + size_bytes / self._bytes_per_second
            self._link_free_at = start
        return start + self._round_trip_seconds / 2

"""An HTTP origin that does exactly what a script says, byte for byte, on a real socket.

    async with ScriptedOrigin([[Expect(b"GET /a "), Send(b"HTTP/1.1 200..."), Close()]]) as origin:
        ... ask origin.url ...

One script per connection, in the order they are accepted; the last serves all that follow. A script
is a list of steps; after its last step the connection is read until the peer closes it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType

_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Expect:
    """Read one request head and `content_bytes` after it; the head must begin with `start`."""

    start: bytes = b""
    content_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Send:
    """Send bytes as they are."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Go on when the test says so."""

    event: asyncio.Event


@dataclass(frozen=True, slots=True)
class Tell:
    """Let the test know that the script came this far."""

    event: asyncio.Event


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection in order (FIN)."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Break the connection (RST)."""


Step = Expect | Send | Wait | Tell | Close | Reset
Script = Sequence[Step]


def answer(content: bytes = b"", *fields: bytes, status: bytes = b"200 OK") -> Send:
    """A whole answer with its length."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(content), *fields]
    return Send(b"\r\n".join(lines) + _HEAD_END + content)


def exchanges(*answers: Send) -> list[Step]:
    """Expect a request before each answer."""
    return [step for each in answers for step in (Expect(), each)]


@dataclass(slots=True)
class ScriptedOrigin:
    """Counts what it saw; `problems` holds what did not go by the script, checked at the end."""

    scripts: Sequence[Script]
    requests: list[bytes] = field(default_factory=list)
    accepted_count: int = 0
    open_count: int = 0
    open_peak: int = 0
    problems: list[str] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _port: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """The origin's base URL."""
        return f"http://127.0.0.1:{self._port}/"

    async def __aenter__(self) -> ScriptedOrigin:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if kind is None:
            assert not self.problems, self.problems

    async def all_closed(self, within_seconds: float = 5.0) -> None:
        """Wait until the peer has closed every connection. Raises TimeoutError."""
        await self._until(lambda: self.open_count == 0, within_seconds)

    async def requested(self, count: int, within_seconds: float = 5.0) -> None:
        """Wait until `count` request heads were read. Raises TimeoutError."""
        await self._until(lambda: len(self.requests) >= count, within_seconds)

    async def _until(self, holds: Callable[[], bool], within_seconds: float) -> None:
        async with asyncio.timeout(within_seconds):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self.scripts[min(self.accepted_count, len(self.scripts) - 1)]
        self.accepted_count += 1
        self.open_count += 1
        self.open_peak = max(self.open_peak, self.open_count)
        task = asyncio.ensure_future(self._serve(script, reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(
        self, script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            for step in script:
                await self._do(step, reader, writer)
                if writer.is_closing():
                    break
            else:
                await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            # The peer left in the middle of the script: what it got is what the test asks about.
            pass
        finally:
            writer.close()
            self.open_count -= 1
            self._changed.set()

    async def _do(
        self, step: Step, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        match step:
            case Expect(start, content_bytes):
                head = await reader.readuntil(_HEAD_END)
                content = await reader.readexactly(content_bytes)
                if not head.startswith(start):
                    self.problems.append(f"expected {start!r}, got {head!r}")
                self.requests.append(head + content)
                self._changed.set()
            case Send(data):
                writer.write(data)
                await writer.drain()
            case Wait(event):
                await event.wait()
            case Tell(event):
                event.set()
            case Close():
                writer.close()
            case Reset():
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()

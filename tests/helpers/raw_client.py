"""A client that sends exactly the bytes a test gives and reads exactly one answer at a time.

Raw sockets on the running loop, so that a test decides how bytes are cut into packets, when reading
stops and how a connection ends. Every wait has a limit.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

LIMIT_SECONDS = 15.0


class CutShortError(Exception):
    """The connection ended inside an answer; `received` is what came of it."""

    def __init__(self, received: bytes) -> None:
        super().__init__(f"cut after {len(received)} bytes")
        self.received = received


@dataclass(slots=True)
class Answer:
    """One answer: `fields` by lower-case name, lines of one name joined by a comma."""

    status: int
    fields: dict[str, str]
    body: bytes
    size_bytes: int
    interim: list[Answer] = field(default_factory=list)


class RawClient:
    """A connection to a server under test. Use as an async context."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""
        self.begun: dict[str, str] = {}
        """Fields of the last answer that began, whether or not all of it came."""
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def connect(cls, host: str, port: int, receive_buffer_bytes: int = 0) -> Self:
        """Connect; a small `receive_buffer_bytes` makes a reader slow from the start."""
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        sock.setblocking(False)
        if receive_buffer_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (host, port))
        return cls(sock)

    async def send(self, data: bytes) -> None:
        """Send all of `data`."""
        async with asyncio.timeout(LIMIT_SECONDS):
            await self._loop.sock_sendall(self.sock, data)

    async def send_bytewise(self, data: bytes) -> None:
        """Send one byte at a time, each in a packet of its own."""
        for at in range(len(data)):
            await self.send(data[at : at + 1])
            await asyncio.sleep(0)

    async def ask(self, target: str, *lines: str, method: str = "GET") -> Answer:
        """One request without content, and its answer."""
        await self.send(head(target, *lines, method=method))
        return await self.answer(method)

    async def answer(self, method: str = "GET") -> Answer:
        """Exactly one answer with the interim ones before it. Raises CutShortError."""
        interim: list[Answer] = []
        self.begun = {}
        while True:
            text = await self._take_until(b"\r\n\r\n")
            line, _, block = text[:-4].partition(b"\r\n")
            status = int(line.split(b" ")[1])
            fields = self.begun = _fields_of(block)
            if status >= 200:
                break
            interim.append(Answer(status, fields, b"", len(text)))
        size = len(text)
        if method == "HEAD" or status in (204, 304):
            body = b""
        elif fields.get("transfer-encoding") == "chunked":
            body, framed = await self._take_chunked()
            size += framed
        elif "content-length" in fields:
            body = await self._take(int(fields["content-length"]))
            size += len(body)
        else:
            body = await self.rest()
            size += len(body)
        return Answer(status, fields, body, size, interim)

    async def rest(self) -> bytes:
        """Everything until the server closes. Raises ConnectionResetError."""
        while await self._more():
            pass
        data, self.buffer = self.buffer, b""
        return data

    def half_close(self) -> None:
        """Say that nothing more will be sent."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        """End the connection."""
        self.sock.close()

    async def _more(self) -> bool:
        async with asyncio.timeout(LIMIT_SECONDS):
            data = await self._loop.sock_recv(self.sock, 256 * 1024)
        self.buffer += data
        return bool(data)

    async def _take(self, size: int) -> bytes:
        pieces = [self.buffer[:size]]
        self.buffer = self.buffer[size:]
        left = size - len(pieces[0])
        while left:
            try:
                alive = await self._more()
            except ConnectionResetError:
                alive = False
            if not alive:
                raise CutShortError(b"".join(pieces))
            pieces.append(self.buffer[:left])
            self.buffer = self.buffer[left:]
            left -= len(pieces[-1])
        return b"".join(pieces)

    async def _take_until(self, mark: bytes) -> bytes:
        while mark not in self.buffer:
            try:
                alive = await self._more()
            except ConnectionResetError:
                alive = False
            if not alive:
                raise CutShortError(self.buffer)
        at = self.buffer.index(mark) + len(mark)
        data, self.buffer = self.buffer[:at], self.buffer[at:]
        return data

    async def _take_chunked(self) -> tuple[bytes, int]:
        pieces: list[bytes] = []
        framed = 0
        try:
            while True:
                line = await self._take_until(b"\r\n")
                size = int(line, 16)
                framed += len(line) + size + 2
                piece = await self._take(size)
                pieces.append(piece)
                assert await self._take(2) == b"\r\n"
                if not size:
                    return b"".join(pieces), framed
        except CutShortError as cut:
            raise CutShortError(b"".join(pieces) + cut.received) from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def head(target: str, *lines: str, method: str = "GET", version: str = "1.1") -> bytes:
    """The bytes of a request head with a Host line."""
    text = [f"{method} {target} HTTP/{version}", "Host: edge.test", *lines, "", ""]
    return "\r\n".join(text).encode("latin-1")


def _fields_of(block: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in block.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip()
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields

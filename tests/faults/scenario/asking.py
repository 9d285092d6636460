"""One HTTP request at a time, each with a limit, and what became of it told in one record.

A connection is kept for the next request until something goes wrong on it. `from_address` is where
the router sees the asker.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from tests.helpers.raw_client import LIMIT_SECONDS, CutShortError, RawClient

ASK_SECONDS: Final = 8.0
Place = tuple[str, int, bool]
"""Host, port, and whether in TLS."""


@dataclass(frozen=True, slots=True)
class Heard:
    """`status` 0: no whole answer came, and `said` is why; `fields` are those that did."""

    status: int
    fields: Mapping[str, str]
    body: bytes
    said: str = ""


class TlsClient(RawClient):
    """A connection in TLS."""

    def __init__(
        self, sock: socket.socket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        super().__init__(sock)
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Send all of `data`."""
        async with asyncio.timeout(LIMIT_SECONDS):
            self._writer.write(data)
            await self._writer.drain()

    def close(self) -> None:
        """End the connection."""
        self._writer.transport.abort()

    async def _more(self) -> bool:
        async with asyncio.timeout(LIMIT_SECONDS):
            data = await self._reader.read(256 * 1024)
        self.buffer += data
        return bool(data)


class Asker:
    """Somebody with at most one connection to each server. Use as an async context.

    `trust`: whom it believes of servers that are reached by https.
    """

    def __init__(self, from_address: str = "", trust: ssl.SSLContext | None = None) -> None:
        self._from_address = from_address
        self._trust = trust
        self._connections: dict[Place, RawClient] = {}

    async def ask(
        self,
        url: str,
        *lines: str,
        method: str = "GET",
        content: bytes = b"",
        limit_seconds: float = ASK_SECONDS,
    ) -> Heard:
        """One request. Never raises for what the other side does."""
        parts = urlsplit(url)
        place = (str(parts.hostname), int(parts.port or 80), parts.scheme == "https")
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            async with asyncio.timeout(limit_seconds):
                heard = await self._ask(place, target, lines, method, content)
        except CutShortError as error:
            said = str(error)
        except TimeoutError:
            said = f"no answer in {limit_seconds:g} s"
        except OSError as error:
            said = repr(error)
        else:
            return heard
        known = self._connections.get(place)
        begun = {} if known is None else known.begun
        self._drop(place)
        return Heard(0, begun, b"", f"{method} {url}: {said}")

    async def _ask(
        self, place: Place, target: str, lines: tuple[str, ...], method: str, body: bytes
    ) -> Heard:
        connection, fresh = await self._connection(place)
        try:
            return await self._exchange(connection, place, target, lines, method, body)
        except (CutShortError, OSError) as error:
            # A kept connection that ended meanwhile says nothing of this request.
            if fresh or (isinstance(error, CutShortError) and error.received):
                raise
        self._drop(place)
        connection, _ = await self._connection(place)
        return await self._exchange(connection, place, target, lines, method, body)

    async def _exchange(
        self,
        connection: RawClient,
        place: Place,
        target: str,
        lines: tuple[str, ...],
        method: str,
        body: bytes,
    ) -> Heard:
        length = [f"Content-Length: {len(body)}"] if method in ("PUT", "POST", "PATCH") else []
        head = [f"{method} {target} HTTP/1.1", f"Host: {place[0]}:{place[1]}", *lines, *length]
        await connection.send("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        answer = await connection.answer(method)
        if answer.fields.get("connection", "").lower() == "close":
            self._drop(place)
        said = "" if answer.status < 400 else f"{answer.status} {answer.body[:300]!r}"
        return Heard(answer.status, answer.fields, answer.body, said)

    async def _connection(self, place: Place) -> tuple[RawClient, bool]:
        known = self._connections.get(place)
        if known is not None:
            return known, False
        sock = socket.socket()
        try:
            sock.setblocking(False)
            if self._from_address:
                sock.bind((self._from_address, 0))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(sock, place[:2])
            connection = await self._secured(sock, place[0]) if place[2] else RawClient(sock)
        except BaseException:
            sock.close()
            raise
        self._connections[place] = connection
        return connection, True

    async def _secured(self, sock: socket.socket, name: str) -> TlsClient:
        assert self._trust is not None, "nobody said who is to be believed"
        return TlsClient(
            sock, *await asyncio.open_connection(sock=sock, ssl=self._trust, server_hostname=name)
        )

    def _drop(self, place: Place) -> None:
        connection = self._connections.pop(place, None)
        if connection is not None:
            connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for place in list(self._connections):
            self._drop(place)

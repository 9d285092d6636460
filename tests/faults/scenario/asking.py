"""One HTTP request at a time, each with a limit, and what became of it told in one record.

A connection is kept for the next request until something goes wrong on it. `from_address` is where
the router sees the asker.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from tests.helpers.raw_client import CutShortError, RawClient

ASK_SECONDS: Final = 8.0


@dataclass(frozen=True, slots=True)
class Heard:
    """`status` 0: no whole answer came, and `said` is why; `fields` are those that did."""

    status: int
    fields: Mapping[str, str]
    body: bytes
    said: str = ""


class Asker:
    """Somebody with at most one connection to each server. Use as an async context."""

    def __init__(self, from_address: str = "") -> None:
        self._from_address = from_address
        self._connections: dict[tuple[str, int], RawClient] = {}

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
        place = (str(parts.hostname), int(parts.port or 80))
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
        self, place: tuple[str, int], target: str, lines: tuple[str, ...], method: str, body: bytes
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
        place: tuple[str, int],
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

    async def _connection(self, place: tuple[str, int]) -> tuple[RawClient, bool]:
        known = self._connections.get(place)
        if known is not None:
            return known, False
        sock = socket.socket()
        try:
            sock.setblocking(False)
            if self._from_address:
                sock.bind((self._from_address, 0))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(sock, place)
        except BaseException:
            sock.close()
            raise
        self._connections[place] = RawClient(sock)
        return self._connections[place], True

    def _drop(self, place: tuple[str, int]) -> None:
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

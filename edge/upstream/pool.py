"""Connections to one upstream: kept alive, capped, and timed.

A request takes an idle connection or opens one while the cap allows, else it waits its turn. A
reused connection that dies before the first byte of an answer says nothing about the upstream: a
request without content is then sent once more on a fresh one (RFC 9110 9.2.2, RFC 9112 9.3.1).
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass
from urllib.parse import urlsplit

from cdnkit.errors import UpstreamError, UpstreamTimeoutError
from edge.http1.response import ResponseHead
from edge.upstream.connection import InterimListener, UpstreamConnection


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an upstream is, and the path that replaces a route's prefix."""

    host: str
    port: int
    tls: bool
    authority: bytes
    base_path: bytes

    @classmethod
    def from_url(cls, url: str) -> Endpoint:
        """Split an http or https URL. Raises ValueError for any other."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http URL: {url!r}")
        tls = parts.scheme == "https"
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        authority = host if parts.port is None else f"{host}:{parts.port}"
        path = parts.path if parts.path.endswith("/") else parts.path + "/"
        return cls(
            host=parts.hostname,
            port=parts.port or (443 if tls else 80),
            tls=tls,
            authority=authority.encode("ascii"),
            base_path=path.encode("ascii"),
        )


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """What one upstream may cost."""

    connections_max: int = 64
    connect_timeout_seconds: float = 5.0
    read_timeout_seconds: float = 20.0


class Pool:
    """Connections to one endpoint; give back what `ask` lends."""

    def __init__(self, endpoint: Endpoint, limits: PoolLimits) -> None:
        self.endpoint = endpoint
        self._limits = limits
        self._idle: list[UpstreamConnection] = []
        self._open = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._tls = ssl.create_default_context() if endpoint.tls else None

    async def ask(
        self,
        method: bytes,
        head: bytes,
        on_interim: InterimListener | None = None,
        *,
        fresh: bool = False,
    ) -> tuple[UpstreamConnection, ResponseHead]:
        """Send a request without content; the caller pours and then calls `release`.

        Raises UpstreamError, UpstreamTimeoutError.
        """
        while True:
            connection, reused = await self.acquire(fresh=fresh)
            try:
                return connection, await connection.request(method, head, on_interim)
            except UpstreamTimeoutError:
                self.release(connection)
                raise
            except UpstreamError:
                self.release(connection)
                if not reused:
                    raise
                fresh = True
            except BaseException:
                self.release(connection)
                raise

    async def acquire(self, *, fresh: bool = False) -> tuple[UpstreamConnection, bool]:
        """An idle connection (True) or a new one (False). Raises UpstreamError."""
        while self._open >= self._limits.connections_max and not self._idle:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._queue.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._next_turn()
                raise
        while self._idle and not fresh:
            connection = self._idle.pop()
            if connection.reusable:
                return connection, True
            self._forget(connection)
        return await self._connect(), False

    def release(self, connection: UpstreamConnection) -> None:
        """Take a connection back; one that cannot be reused is closed."""
        if connection.reusable:
            self._idle.append(connection)
        else:
            self._forget(connection)
        self._next_turn()

    def close(self) -> None:
        """Close what is idle; lent connections close when they come back."""
        for connection in self._idle:
            connection.abort()
        self._idle.clear()

    def _forget(self, connection: UpstreamConnection) -> None:
        connection.abort()
        self._open -= 1

    def _next_turn(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    async def _connect(self) -> UpstreamConnection:
        self._open += 1
        try:
            async with asyncio.timeout(self._limits.connect_timeout_seconds):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: UpstreamConnection(self._limits.read_timeout_seconds),
                    self.endpoint.host,
                    self.endpoint.port,
                    ssl=self._tls,
                )
        except BaseException as error:
            self._open -= 1
            self._next_turn()
            if isinstance(error, TimeoutError):
                raise UpstreamTimeoutError("the upstream could not be reached in time") from None
            if isinstance(error, OSError):
                raise UpstreamError("the upstream could not be reached") from None
            raise
        return connection

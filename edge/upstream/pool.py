"""Connections to one upstream: kept alive, capped, and timed.

A request takes an idle connection or opens one while the cap allows, else it waits its turn. A
reused connection that dies, or speaks out of turn, before a whole head came says nothing about the
upstream: a request without content that may be repeated is then sent once more on a fresh one, and
others use fresh ones only (RFC 9110 9.2.2, RFC 9112 9.3.1).
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cdnkit.errors import UpstreamError, UpstreamTimeoutError
from edge.http1.response import ResponseHead
from edge.upstream.connection import InterimListener, UpstreamConnection

_REPEATABLE: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})
"""Methods that may be sent a second time unasked (RFC 9110 9.2.2)."""
_BASE_PATH: Final = re.compile(r"[!-~]*")


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
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError(f"credentials, query and fragment mean nothing here: {url!r}")
        if _BASE_PATH.fullmatch(parts.path) is None:
            raise ValueError(f"the path must be percent-encoded: {url!r}")
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
    wait_timeout_seconds: float = 20.0
    """How long a request may wait for one of the connections."""


class Pool:
    """Connections to one endpoint; give back what `ask` or `acquire` lends.

    A slot is the right to one connection that is lent or being opened. Slots pass from hand to
    hand: who gives one back while others wait gives it to the first of them, so that newcomers
    cannot overtake.
    """

    def __init__(self, endpoint: Endpoint, limits: PoolLimits) -> None:
        self.endpoint = endpoint
        self._limits = limits
        self._idle: list[UpstreamConnection] = []
        self._lent: set[UpstreamConnection] = set()
        self._slots_taken = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._tls = ssl.create_default_context() if endpoint.tls else None
        self._closed = False

    @property
    def open_count(self) -> int:
        """Connections that are lent, idle or being opened."""
        return self._slots_taken + sum(not connection.closed for connection in self._idle)

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
        fresh = fresh or method not in _REPEATABLE
        while True:
            connection, reused = await self.acquire(fresh=fresh)
            try:
                return connection, await connection.request(method, head, on_interim)
            except BaseException as error:
                connection.abort()
                self.release(connection)
                stale = isinstance(error, UpstreamError) and not isinstance(
                    error, UpstreamTimeoutError
                )
                if not (reused and stale):
                    raise
                fresh = True

    async def acquire(self, *, fresh: bool = False) -> tuple[UpstreamConnection, bool]:
        """An idle connection (True) or a new one (False). Raises UpstreamError."""
        await self._take_slot()
        try:
            connection = None if fresh else self._take_idle()
            if connection is not None:
                self._lent.add(connection)
                return connection, True
            self._make_room()
            connection = await self._connect()
        except BaseException:
            self._give_slot()
            raise
        self._lent.add(connection)
        return connection, False

    def release(self, connection: UpstreamConnection) -> None:
        """Take a connection back, once; one that cannot be reused is closed."""
        if connection not in self._lent:
            return
        self._lent.remove(connection)
        if connection.reusable and not self._closed:
            self._idle.append(connection)
        else:
            connection.abort()
        self._give_slot()

    def close(self) -> None:
        """Close what is idle and turn away who waits; lent connections close on their return."""
        self._closed = True
        for connection in self._idle:
            connection.abort()
        self._idle.clear()
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_exception(UpstreamError("the upstream's connections are being closed"))

    async def _take_slot(self) -> None:
        if self._closed:
            raise UpstreamError("the upstream's connections are being closed")
        if self._slots_taken < self._limits.connections_max:
            self._slots_taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            async with asyncio.timeout(self._limits.wait_timeout_seconds):
                await turn
        except (asyncio.CancelledError, TimeoutError) as error:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._give_slot()
            if isinstance(error, TimeoutError):
                raise UpstreamTimeoutError("the upstream had no connection free in time") from None
            raise

    def _give_slot(self) -> None:
        """Hand a slot to the first who waits, or back."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._slots_taken -= 1

    def _take_idle(self) -> UpstreamConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable:
                return connection
            connection.abort()
        return None

    def _make_room(self) -> None:
        """Idle connections give way to a new one, the longest idle first."""
        room = self._limits.connections_max - self._slots_taken
        while len(self._idle) > room:
            self._idle.pop(0).abort()

    async def _connect(self) -> UpstreamConnection:
        try:
            async with asyncio.timeout(self._limits.connect_timeout_seconds):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: UpstreamConnection(self._limits.read_timeout_seconds),
                    self.endpoint.host,
                    self.endpoint.port,
                    ssl=self._tls,
                )
        except TimeoutError:
            raise UpstreamTimeoutError("the upstream could not be reached in time") from None
        except (OSError, UnicodeError):
            raise UpstreamError("the upstream could not be reached") from None
        return connection

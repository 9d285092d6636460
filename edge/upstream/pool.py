"""Connections to one upstream: kept alive, capped, and timed.

A request takes an idle connection or opens one while the cap allows, else it waits its turn. A
reused connection that dies, or speaks out of turn, before a whole head came says nothing about the
upstream: a request without content that may be repeated is then sent once more on a fresh one, and
others use fresh ones only (RFC 9110 9.2.2, RFC 9112 9.3.1).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from cdnkit.errors import UpstreamError, UpstreamTimeoutError
from edge.http1.response import ResponseHead
from edge.upstream.connection import InterimListener, UpstreamConnection
from edge.upstream.endpoint import Endpoint, Trust, open_connection
from edge.upstream.failures import FailedError, Failure, LateError
from edge.upstream.limits import PoolLimits

__all__ = ["Pool", "PoolLimits"]

_REPEATABLE: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})
"""Methods that may be sent a second time unasked (RFC 9110 9.2.2)."""
_CLOSING: Final = "the upstream's connections are being closed"


class Pool:
    """Connections to one endpoint; give back what `ask` or `acquire` lends.

    A slot is the right to one connection that is lent or being opened. Slots pass from hand to
    hand: who gives one back while others wait gives it to the first of them, so that newcomers
    cannot overtake. Who has a connection in `spare` would give it back when another is in need of
    it: the call gives it up.
    """

    def __init__(self, endpoint: Endpoint, limits: PoolLimits, trust: Trust | None = None) -> None:
        self.endpoint = endpoint
        self._limits = limits
        self._idle: list[UpstreamConnection] = []
        self._lent: set[UpstreamConnection] = set()
        self._slots_taken = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self.spare: dict[UpstreamConnection, Callable[[], None]] = {}
        self._trust = trust or (Trust.of("", "") if endpoint.tls else Trust())
        self._closed = False
        self._retired = False

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
            connection = await open_connection(self.endpoint, self._limits, self._trust)
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
        if connection.reusable and not (self._closed or self._retired):
            self._idle.append(connection)
        else:
            connection.abort()
        self._give_slot()

    def abort(self) -> None:
        """The upstream is gone: end what is lent and forget what is idle."""
        for connection in [*self._lent, *self._idle]:
            connection.abort()
        self._idle.clear()

    def retire(self) -> None:
        """Keep no connection for later: others are used instead, and only who is here goes on."""
        self._retired = True
        for connection in self._idle:
            connection.abort()
        self._idle.clear()

    def close(self) -> None:
        """Close what is idle and turn away who waits; lent connections close on their return."""
        self._closed = True
        for connection in self._idle:
            connection.abort()
        self._idle.clear()
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_exception(FailedError(Failure.CLOSING, _CLOSING))

    async def _take_slot(self) -> None:
        if self._closed:
            raise FailedError(Failure.CLOSING, _CLOSING)
        if self._slots_taken < self._limits.connections_max:
            self._slots_taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        if self.spare:
            next(iter(self.spare.values()))()
        try:
            async with asyncio.timeout(self._limits.wait_timeout_seconds):
                await turn
        except (asyncio.CancelledError, TimeoutError) as error:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._give_slot()
            if isinstance(error, TimeoutError):
                raise LateError(
                    Failure.BUSY, "the upstream had no connection free in time"
                ) from None
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

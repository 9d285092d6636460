"""The upstreams of a route: several base URLs that serve the same bytes, tried in order.

One that failed is set aside for a while and asked again only when no other is left, so that a dead
origin costs one timeout and not one per request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cdnkit.errors import UpstreamError
from edge.http1.response import Framing, ResponseHead
from edge.upstream.connection import InterimListener, UpstreamConnection
from edge.upstream.pool import Endpoint, Pool, PoolLimits

SET_ASIDE_SECONDS: Final = 5.0
RETRY_STATUSES: Final = frozenset({502, 503, 504})
"""Answers for which another upstream is asked, while there is one."""


@dataclass(slots=True)
class Lent:
    """A connection with an answer's head read; `release` gives it back."""

    pool: Pool
    connection: UpstreamConnection
    head: ResponseHead
    requested_at: float
    received_at: float

    def release(self) -> None:
        """Give the connection back."""
        self.pool.release(self.connection)

    def drop(self) -> None:
        """Nobody takes the content: close the connection."""
        self.connection.abort()
        self.release()

    async def discard(self) -> None:
        """Nobody takes the answer; one without content leaves its connection usable."""
        if self.head.framing is Framing.NONE:
            await self.connection.pour(NOWHERE)
            self.release()
        else:
            self.drop()


class _Nowhere:
    """Sink of answers without content."""

    def view(self) -> memoryview:
        return memoryview(bytearray(1))

    def received(self, size: int) -> bool:
        return False


NOWHERE: Final = _Nowhere()
"""Ends an answer that has no content, so that its connection can be used again."""


class Upstreams:
    """Equal upstreams in the operator's order. `now` gives seconds since the epoch."""

    def __init__(self, urls: Sequence[str], limits: PoolLimits, now: Callable[[], float]) -> None:
        self.pools = [Pool(Endpoint.from_url(url), limits) for url in urls]
        self._aside_until = [0.0] * len(self.pools)
        self._now = now

    async def ask(
        self,
        method: bytes,
        make_head: Callable[[Endpoint], bytes],
        on_interim: InterimListener | None = None,
    ) -> Lent:
        """Send a request without content to the first upstream that answers usefully.

        Raises the last UpstreamError when none does.
        """
        error: UpstreamError = UpstreamError("the route has no upstream")
        order = self._in_order()
        for place, index in enumerate(order):
            pool = self.pools[index]
            requested_at = self._now()
            try:
                connection, head = await pool.ask(method, make_head(pool.endpoint), on_interim)
            except UpstreamError as failure:
                error = failure
                self._aside_until[index] = self._now() + SET_ASIDE_SECONDS
                continue
            if head.status in RETRY_STATUSES and place + 1 < len(order):
                self._aside_until[index] = self._now() + SET_ASIDE_SECONDS
                connection.abort()
                pool.release(connection)
                continue
            if head.status not in RETRY_STATUSES:
                self._aside_until[index] = 0.0
            return Lent(pool, connection, head, requested_at, self._now())
        raise error

    async def connect(self) -> tuple[Pool, UpstreamConnection]:
        """A fresh connection to the first upstream that takes one; nothing was sent on it.

        For requests that must not be sent twice. Raises the last UpstreamError when none does.
        """
        error: UpstreamError = UpstreamError("the route has no upstream")
        for index in self._in_order():
            pool = self.pools[index]
            try:
                connection, _ = await pool.acquire(fresh=True)
            except UpstreamError as failure:
                error = failure
                self._aside_until[index] = self._now() + SET_ASIDE_SECONDS
            else:
                return pool, connection
        raise error

    def close(self) -> None:
        """Close idle connections."""
        for pool in self.pools:
            pool.close()

    def _in_order(self) -> list[int]:
        now = self._now()
        # Stable: those in use first, in the operator's order, then those set aside.
        return sorted(range(len(self.pools)), key=lambda index: self._aside_until[index] > now)

"""Requests whose answers are for one viewer alone: what may not be stored, and every other method.

Streams both ways through `edge.passing`; a request that may have had an effect is sent once, and
what an unsafe method changed is forgotten here (RFC 9111 4.4).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from cdnkit.wire import Outcome
from edge.account import Told
from edge.answer import Answers
from edge.exchange import Exchange
from edge.http1.response import ResponseHead
from edge.onward import all_pairs
from edge.origin import Origin
from edge.passing import close_if_endless, converse, pass_answer
from edge.routing import Matched
from edge.upstream.upstreams import Lent

COLLECTED_BYTES_MAX: Final = 64 * 1024 * 1024
"""Largest answer of unannounced length that is kept."""
_SAFE: Final = frozenset({b"GET", b"HEAD", b"OPTIONS"})

Invalidate = Callable[[bytes, ResponseHead, bytes], None]


class Passthrough:
    """Passes requests on. `invalidate(target, answer, host)` forgets what one changed."""

    def __init__(
        self,
        origin: Origin,
        answers: Answers,
        invalidate: Invalidate,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._origin = origin
        self._answers = answers
        self._invalidate = invalidate
        self._now = now

    async def forward(self, exchange: Exchange, told: Told, matched: Matched) -> None:
        """Any method, nothing stored. Raises ClientGoneError, BadRequestError, UpstreamError."""
        request = exchange.request
        told.outcome = Outcome.PASS
        if request.method in _SAFE and not request.has_body:
            lent = await self._origin.ask(
                matched.target,
                request.method,
                all_pairs(request),
                (),
                exchange.pass_interim,
                told.request_id,
            )
        else:
            lent = await self._converse(exchange, told, matched)
        told.status = lent.head.status
        if request.method not in _SAFE and 200 <= lent.head.status < 400:
            self._invalidate(matched.target, lent.head, request.host)
        close_if_endless(exchange, lent.head)
        await pass_answer(exchange, lent, self._answers.hop(exchange, told, lent.head.fields))

    async def hand_over(
        self,
        exchange: Exchange,
        told: Told,
        lent: Lent,
        keep: Callable[[bytes], None] | None,
    ) -> None:
        """An answer asked for the store that may not be stored: it is the asker's."""
        told.status, told.outcome = lent.head.status, Outcome.MISS
        close_if_endless(exchange, lent.head)
        hop = self._answers.hop(exchange, told, lent.head.fields)
        await pass_answer(exchange, lent, hop, keep, COLLECTED_BYTES_MAX)

    async def _converse(self, exchange: Exchange, told: Told, matched: Matched) -> Lent:
        request = exchange.request
        pool, connection = await self._origin.connect(matched)
        own: list[tuple[bytes, bytes]] = []
        if request.chunked:
            own.append((b"transfer-encoding", b"chunked"))
        elif b"content-length" in request.fields:
            own.append((b"content-length", b"%d" % request.content_length))
        requested_at = self._now()
        try:
            head = self._origin.head(
                request.method, matched, pool.endpoint, all_pairs(request), own, told.request_id
            )
            answer = await converse(exchange, connection, head)
        except BaseException:
            connection.abort()
            pool.release(connection)
            raise
        return Lent(pool, connection, answer, requested_at, self._now())

"""Requests whose answers are for one viewer alone: what may not be stored, and every other method.

Streams both ways through `edge.passing`; a request that may have had an effect is sent once, and
what it left behind is for `effects` to say.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from cdnkit.wire import Outcome
from edge.account import Told
from edge.answer import Answers
from edge.effects import SAFE_METHODS, Effects, Keep
from edge.exchange import Exchange
from edge.onward import all_pairs
from edge.origin import Origin
from edge.passing import close_if_endless, converse, pass_answer
from edge.routing import Matched
from edge.upstream.lent import Lent

COLLECTED_BYTES_MAX: Final = 64 * 1024 * 1024
"""Largest answer of unannounced length that is kept."""


class Passthrough:
    """Passes requests on, and sees to what they leave behind."""

    def __init__(
        self,
        origin: Origin,
        answers: Answers,
        effects: Effects,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._origin = origin
        self._answers = answers
        self._effects = effects
        self._now = now

    async def forward(self, exchange: Exchange, told: Told, matched: Matched) -> None:
        """Any method, nothing stored. Raises ClientGoneError, BadRequestError, UpstreamError."""
        request = exchange.request
        told.passes(request.method)
        if request.method in SAFE_METHODS and not request.has_body:
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
        try:
            keep = await self._effects.of(request, matched.target, lent)
        except BaseException:
            lent.drop()
            raise
        close_if_endless(exchange, lent.head)
        hop = self._hop(exchange, told, lent)
        await pass_answer(exchange, lent, hop, keep, COLLECTED_BYTES_MAX)

    async def hand_over(
        self,
        exchange: Exchange,
        told: Told,
        lent: Lent,
        keep: Keep | None,
    ) -> None:
        """An answer asked for the store that may not be stored: it is the asker's."""
        told.status, told.outcome = lent.head.status, Outcome.MISS
        close_if_endless(exchange, lent.head)
        hop = self._hop(exchange, told, lent)
        await pass_answer(exchange, lent, hop, keep, COLLECTED_BYTES_MAX)

    def _hop(self, exchange: Exchange, told: Told, lent: Lent) -> bytes:
        if lent.says is None:
            return self._answers.hop(exchange, told, lent.head.fields)
        told.adopt(lent.says)
        return self._answers.relay(exchange, told, lent.head.fields)

    async def _converse(self, exchange: Exchange, told: Told, matched: Matched) -> Lent:
        request = exchange.request
        matched, pool, connection = await self._origin.connect(matched.target)
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
        received_at = self._now()
        answer.date(received_at)
        lent = Lent(pool, connection, answer, requested_at, received_at)
        return self._origin.billed(lent, matched.target)

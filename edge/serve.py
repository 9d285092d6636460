"""The life of a request on the edge's full path: `Service.serve`, top to bottom.

    match → admit → (pass | look up → serve, revalidate, fetch) → answer → account

Each step is a named call; policy is decided in `decision`, bytes come from `reader`, heads from
`respond`. The fast lane answers what this path would answer in the same bytes, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from cdnkit.errors import CinedgeError
from cdnkit.wire import LIVE_PATH, READY_PATH
from edge.access import Access, asked_by, end_with, take_cookie
from edge.account import Accounts, Told
from edge.answer import Answers
from edge.exchange import ClientGoneError, Exchange
from edge.onward import forwards_left
from edge.passthrough import Passthrough
from edge.routing import Matched, Routing
from edge.stored import Stored

_HEALTH = frozenset({LIVE_PATH.encode(), READY_PATH.encode()})


@dataclass(frozen=True, slots=True)
class Parts:
    """What a request's life needs; made once by `edge.app`."""

    routing: Routing
    access: Access
    stored: Stored
    passthrough: Passthrough
    answers: Answers
    accounts: Accounts
    readiness: Callable[[], tuple[bool, bytes]]
    answers_health: bool
    new_request_id: Callable[[Exchange], bytes]
    pace: Callable[[Exchange, Told, int], None]
    hint: Callable[[Exchange, Told, Matched], None]
    hear: Callable[[Told], None]
    """Counts what a player told with a request, once its answer has begun."""
    heed: Callable[[Exchange], None]
    """Takes from a worker or an edge of ours what it fetches for."""
    now: Callable[[], float] = time.time
    greet: Callable[[Exchange], Awaitable[None]] | None = None
    """Takes a request of another worker of the box in."""
    record: Callable[[Exchange, Told, bool], None] | None = None
    """Begins the span of a request, True once it is known to be one of ours (`edge.tracing`)."""
    recorded: Callable[[Exchange, Told], None] | None = None
    """Ends it."""
    admit: Callable[[Exchange, bytes], Awaitable[bool]] | None = None
    """Takes a request of another edge or worker in: False when it is a viewer's."""


class Service:
    """Answers requests; one per worker."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        """Swapped as a whole by a reload: a request goes by those it began with."""
        self._log = structlog.get_logger("edge.serve")

    async def serve(self, exchange: Exchange) -> None:
        """One request from its head to the last byte of its answer."""
        parts = self.parts
        told = Told(parts.new_request_id(exchange))
        try:
            await self._answer(parts, exchange, told)
            parts.hear(told)
            await exchange.finished()
        finally:
            # Also where a stop ends an answer in its middle.
            if not exchange.connection.neighbour:
                parts.accounts.settle(told, exchange, exchange.complete is True)
            if parts.recorded is not None:
                parts.recorded(exchange, told)

    async def _answer(self, parts: Parts, exchange: Exchange, told: Told) -> None:
        request = exchange.request
        try:
            if parts.answers_health and request.target in _HEALTH:
                _health(parts, exchange, told)
            elif request.target == b"*" or forwards_left(request) == 0:
                parts.answers.options(exchange, told)
            elif request.is_preflight:
                parts.answers.preflight(exchange, told)
            else:
                if parts.record is not None:
                    parts.record(exchange, told, False)
                matched = parts.routing.match(request.target)
                await _let_in(parts, exchange, told, matched)
                if request.method in (b"GET", b"HEAD") and not request.has_body:
                    await parts.stored.serve(exchange, told, matched)
                else:
                    await parts.passthrough.forward(exchange, told, matched)
        except ClientGoneError:
            exchange.connection.server.drop(exchange.connection)
        except CinedgeError as error:
            parts.answers.problem(exchange, told, error)
        except Exception:
            self._log.exception("request failed", target=request.target)
            parts.answers.problem(exchange, told, CinedgeError("the edge made a mistake"))


async def _let_in(parts: Parts, exchange: Exchange, told: Told, matched: Matched) -> None:
    """May this be answered? Another worker or edge asks for a viewer whom it has admitted."""
    is_known = exchange.connection.neighbour
    if is_known:
        assert parts.greet is not None
        await parts.greet(exchange)
    if parts.admit is not None:
        is_known = await parts.admit(exchange, matched.target)
    if is_known:
        parts.heed(exchange)
        if parts.record is not None:
            parts.record(exchange, told, True)
    else:
        cookie = take_cookie(exchange.request)
        told.claims = parts.access.check(matched, cookie, asked_by(exchange), parts.now())
        end_with(exchange, told.claims, parts.now)
        parts.pace(exchange, told, matched.rule.number)
        parts.hint(exchange, told, matched)


def _health(parts: Parts, exchange: Exchange, told: Told) -> None:
    ready, body = True, b'{"status":"alive"}'
    if exchange.request.target == READY_PATH.encode():
        ready, body = parts.readiness()
    parts.answers.small(exchange, told, 200 if ready else 503, body)

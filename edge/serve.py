"""The life of a request on the edge's full path: `Service.serve`, top to bottom.

    match → admit → (pass | look up → serve, revalidate, fetch) → answer → account

Each step is a named call; policy is decided in `decision`, bytes come from `reader`, heads from
`respond`. The fast lane answers what this path would answer in the same bytes, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from cdnkit.errors import CinedgeError, UnavailableError
from cdnkit.wire import LIVE_PATH, READY_PATH
from edge.access import Access, take_cookie
from edge.account import Accounts, Told
from edge.answer import Answers
from edge.exchange import ClientGoneError, Exchange
from edge.passthrough import Passthrough
from edge.routing import Routing
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
    is_ready: Callable[[], str | None]
    answers_health: bool
    new_request_id: Callable[[Exchange], bytes]
    now: Callable[[], float] = time.time


class Service:
    """Answers requests; one per worker."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._log = structlog.get_logger("edge.serve")

    async def serve(self, exchange: Exchange) -> None:
        """One request from its head to the last byte of its answer."""
        parts, request = self._parts, exchange.request
        told = Told(parts.new_request_id(exchange))
        try:
            if parts.answers_health and request.target in _HEALTH:
                self._health(exchange, told)
            elif request.is_preflight:
                parts.answers.preflight(exchange, told)
            else:
                matched = parts.routing.match(request.target)
                told.claims = parts.access.check(
                    matched, take_cookie(request), exchange.connection.peer, parts.now()
                )
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
        complete = await exchange.finished()
        parts.accounts.settle(told, exchange, complete)

    def _health(self, exchange: Exchange, told: Told) -> None:
        live = exchange.request.target == LIVE_PATH.encode()
        reason = None if live else self._parts.is_ready()
        if reason is None:
            self._parts.answers.small(exchange, told, 200, b'{"status":"ready"}')
        else:
            self._parts.answers.problem(exchange, told, UnavailableError(reason, 1, state=reason))

"""Answers that come from no entry: problems, preflights, fixed bodies, and what a hop adds."""

from __future__ import annotations

import time
from collections.abc import Callable

from cdnkit.cache_status import format_cache_status
from cdnkit.dates import format_http_date
from cdnkit.errors import CinedgeError, Fault
from cdnkit.fields import FieldLines
from cdnkit.wire import MissClass, Outcome
from edge.account import Told
from edge.exchange import Exchange
from edge.respond import (
    CORS_LINES,
    NO_TRACE,
    PREFLIGHT_LINES,
    hop_lines,
    problem_answer,
    spelled,
    status_line,
    trace_of,
)


class Answers:
    """Makes answers for one worker."""

    def __init__(
        self, node: str, now: Callable[[], float] = time.time, promise: bytes = b""
    ) -> None:
        self._node = node
        self._now = now
        self._promise = promise

    def hop(self, exchange: Exchange, told: Told, upstream: FieldLines | None) -> bytes:
        """Lines this hop adds to an answer that did not come from an entry."""
        member = format_cache_status(
            self._node,
            told.outcome,
            miss_class=told.miss_class,
            forward=told.forward,
            forward_status=told.status if upstream is not None else None,
            collapsed=told.collapsed,
        )
        before = NO_TRACE if upstream is None else trace_of(upstream)
        lines = hop_lines(
            before,
            member,
            self._node,
            told.request_id,
            exchange.connection_line,
            self._promise if exchange.is_of_viewer else b"",
        )
        return lines if exchange.asker is None else lines + told.said(None, held=False)

    def relay(self, exchange: Exchange, told: Told, owner: FieldLines) -> bytes:
        """The lines that the owner of the content has added, in another worker of this box."""
        lines = b"X-Request-Id: %b\r\n%b" % (told.request_id, exchange.connection_line)
        lines += self._promise if exchange.is_of_viewer else b""
        for name in (b"cache-status", b"via"):
            value = owner.combined(name)
            if value is not None:
                lines += b"%b: %b\r\n" % (spelled(name), value)
        return lines

    def preflight(self, exchange: Exchange, told: Told) -> None:
        """Answer a browser's question whether it may ask (CORS)."""
        told.status, told.outcome = 204, Outcome.OWN
        exchange.reply(
            status_line(204)
            + CORS_LINES
            + PREFLIGHT_LINES
            + self.hop(exchange, told, None)
            + b"\r\n"
        )

    def options(self, exchange: Exchange, told: Told) -> None:
        """Answer a question about the edge itself (RFC 9110 7.6.2, 9.3.7)."""
        told.status, told.outcome = 204, Outcome.OWN
        hop = self.hop(exchange, told, None)
        exchange.reply(status_line(204) + b"Allow: GET, HEAD, OPTIONS\r\n" + hop + b"\r\n")

    def small(self, exchange: Exchange, told: Told, status: int, content: bytes) -> None:
        """Answer with a few bytes of JSON."""
        told.status, told.outcome = status, Outcome.OWN
        body = b"" if exchange.request.method == b"HEAD" else content
        exchange.reply(
            status_line(status) + b"Content-Type: application/json\r\nCache-Control: no-store\r\n"
            b"Content-Length: %d\r\n" % len(content) + self.hop(exchange, told, None) + b"\r\n",
            body,
        )

    def problem(self, exchange: Exchange, told: Told, error: CinedgeError) -> None:
        """Answer with an error of our family; an answer that began already is cut instead."""
        if exchange.answered:
            exchange.connection.server.drop(exchange.connection)
            return
        told.status, told.outcome = error.status, Outcome.ERROR
        if error.fault is Fault.UPSTREAM:
            told.miss_class = MissClass.HEALTH
        text = problem_answer(
            error,
            told.request_id,
            format_http_date(self._now()).encode(),
            self.hop(exchange, told, None),
        )
        if exchange.request.method == b"HEAD":
            text = text[: text.index(b"\r\n\r\n") + 4]
        exchange.reply(text)

"""Answers from the edge itself: entries by range and condition, problems, small fixed bodies.

Decides status and framing with the kit's pure engines and starts the sending; nothing waits here.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable

from cdnkit.cache_status import format_cache_status
from cdnkit.dates import format_http_date, parse_http_date
from cdnkit.errors import BadRequestError, CinedgeError, Fault
from cdnkit.fields import FieldLines
from cdnkit.ranges import (
    Multi,
    RangePlan,
    Single,
    Span,
    Unsatisfiable,
    Whole,
    format_content_range,
    format_unsatisfied_range,
    lay_out_multipart,
    parse_ranges,
    plan_ranges,
)
from cdnkit.validators import Verdict, evaluate, range_applies
from cdnkit.wire import MissClass, Outcome
from edge.account import Told
from edge.entry import ABSENT, EVICTED, HELD, Entry
from edge.exchange import Exchange
from edge.fastlane import Hot
from edge.fill import Fills
from edge.http1.request import Request
from edge.multipart import MultipartBody
from edge.reader import Reader
from edge.respond import (
    CORS_LINES,
    PREFLIGHT_LINES,
    hop_lines,
    not_modified_lines,
    problem_answer,
    status_line,
    trace_lines,
)


class Answers:
    """Makes answers for one worker. `ahead` blocks are read ahead of a sequential reader."""

    def __init__(
        self, node: str, fills: Fills, ahead: int, now: Callable[[], float] = time.time
    ) -> None:
        self._node = node
        self._fills = fills
        self._ahead = ahead
        self._now = now

    def first_byte(self, request: Request) -> int | None:
        """Where a viewer of unknown content wants to begin; None for the whole of it."""
        header = request.fields.text(b"range")
        specs = None if header is None else parse_ranges(header)
        if not specs:
            return None
        return min((spec.first for spec in specs if isinstance(spec, Span)), default=0)

    def wanted(self, exchange: Exchange, entry: Entry) -> RangePlan:
        """Which bytes of the entry the request asks for (RFC 9110 14.2, 13.1.5)."""
        request = exchange.request
        header = request.fields.text(b"range")
        if header is None or request.method != b"GET" or entry.head.status != 200:
            return Whole()
        if b"if-range" in request.fields:
            date = FieldLines(entry.head.pairs).text(b"date")
            received = None if date is None else parse_http_date(date)
            if not range_applies(request.fields.text(b"if-range"), entry.validators, received or 0):
                return Whole()
        return plan_ranges(header, entry.size_bytes)

    def from_entry(self, exchange: Exchange, told: Told, entry: Entry, outcome: Outcome) -> None:
        """Answer a GET or HEAD from an entry, whose blocks may still be on their way."""
        request = exchange.request
        forward_status, told.status = told.status or None, entry.head.status
        told.outcome = outcome
        verdict = Verdict.PROCEED
        if entry.head.status == 200:
            verdict = evaluate(
                request.method.decode("latin-1"), _conditions(request), entry.validators
            )
        if verdict is Verdict.NOT_MODIFIED:
            told.status = 304
            text = status_line(304) + not_modified_lines(entry.head.pairs)
            exchange.reply(text + self._entry_hop(exchange, told, entry, forward_status) + b"\r\n")
            return
        if verdict is Verdict.FAILED:
            self._bodiless(exchange, told, entry, 412, b"")
            return
        plan = self.wanted(exchange, entry)
        match plan:
            case Unsatisfiable():
                unsatisfied = format_unsatisfied_range(entry.size_bytes)
                self._bodiless(
                    exchange, told, entry, 416, f"Content-Range: {unsatisfied}\r\n".encode()
                )
            case Multi():
                self._multipart(exchange, told, entry, plan, forward_status)
            case Single(start, stop):
                told.status = 206
                extra = format_content_range(start, stop, entry.size_bytes).encode()
                self._content(
                    exchange,
                    told,
                    entry,
                    start,
                    stop,
                    b"Content-Range: %b\r\n" % extra,
                    forward_status,
                )
            case Whole():
                self._content(exchange, told, entry, 0, entry.size_bytes, b"", forward_status)

    def lane_heads(self, hot: Hot, now: float) -> tuple[bytes, bytes, float]:
        """Heads of a plain hit, whole and partial, up to the request id, and how long they hold."""
        entry = hot.entry
        freshness = entry.head.freshness
        member = format_cache_status(
            self._node,
            Outcome.HIT,
            ttl_seconds=int(freshness.born_at + freshness.lifetime_seconds - now),
        )
        lines = (
            entry.lines
            + b"Accept-Ranges: bytes\r\nAge: %d\r\n" % freshness.age_seconds(now)
            + trace_lines(FieldLines(entry.head.pairs), member, self._node)
        )
        # Age and ttl move when another whole second has passed since the content was born.
        until = freshness.born_at + math.ceil(now - freshness.born_at)
        return status_line(200) + lines, status_line(206) + lines, until

    def hop(self, exchange: Exchange, told: Told, upstream: FieldLines | None) -> bytes:
        """Lines this hop adds to an answer that did not come from an entry."""
        member = format_cache_status(
            self._node,
            told.outcome,
            miss_class=told.miss_class,
            forward_status=told.status if upstream is not None else None,
            collapsed=told.collapsed,
        )
        return hop_lines(
            upstream, member, self._node, told.request_id, exchange.closes_after
        ) + _kept_line(exchange)

    def preflight(self, exchange: Exchange, told: Told) -> None:
        """Answer a browser's question whether it may ask (CORS)."""
        told.status, told.outcome = 204, Outcome.HIT
        exchange.reply(
            status_line(204)
            + CORS_LINES
            + PREFLIGHT_LINES
            + self.hop(exchange, told, None)
            + b"\r\n"
        )

    def small(self, exchange: Exchange, told: Told, status: int, content: bytes) -> None:
        """Answer with a few bytes of JSON."""
        told.status, told.outcome = status, Outcome.HIT
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
        if error.fault is not Fault.CLIENT:
            told.miss_class = told.miss_class or MissClass.HEALTH
        text = problem_answer(
            error,
            told.request_id,
            format_http_date(self._now()).encode(),
            self.hop(exchange, told, None),
        )
        if exchange.request.method == b"HEAD":
            text = text[: text.index(b"\r\n\r\n") + 4]
        exchange.reply(text)

    def refuse(self, exchange: Exchange, told: Told, status: int, reason: str) -> None:
        """Answer a message that cannot be read on; its connection closes."""
        assert status == BadRequestError.status
        exchange.connection.closing = True
        self.problem(exchange, told, BadRequestError(reason))

    def _content(
        self,
        exchange: Exchange,
        told: Told,
        entry: Entry,
        start: int,
        stop: int,
        extra: bytes,
        forward_status: int | None,
    ) -> None:
        self._classify(told, entry, start, stop)
        text = (
            status_line(told.status)
            + entry.lines
            + (b"Accept-Ranges: bytes\r\n" if entry.head.status == 200 else b"")
            + self._entry_hop(exchange, told, entry, forward_status)
            + extra
            + (b"Content-Length: %d\r\n\r\n" % (stop - start))
        )
        if exchange.request.method == b"HEAD" or start == stop:
            exchange.reply(text)
            return
        self._fills.holdings.touch(entry, start // entry.block_bytes, -(-stop // entry.block_bytes))
        exchange.deliver(
            text, Reader(exchange.connection, entry, start, stop, self._ahead, self._fills)
        )

    def _multipart(
        self, exchange: Exchange, told: Told, entry: Entry, plan: Multi, forward_status: int | None
    ) -> None:
        told.status = 206
        self._classify(told, entry, plan.parts[0][0], plan.parts[-1][1])
        content_type = FieldLines(entry.head.pairs).text(b"content-type")
        layout = lay_out_multipart(
            plan.parts,
            entry.size_bytes,
            content_type or "application/octet-stream",
            secrets.token_hex(12),
        )
        lines = b"".join(
            line + b"\r\n"
            for line in entry.lines.split(b"\r\n")
            if line and not line.lower().startswith(b"content-type:")
        )
        text = (
            status_line(206)
            + lines
            + b"Accept-Ranges: bytes\r\n"
            + self._entry_hop(exchange, told, entry, forward_status)
            + b"Content-Type: %b\r\nContent-Length: %d\r\n\r\n"
            % (layout.content_type.encode(), layout.content_length)
        )
        exchange.deliver(
            text, MultipartBody(exchange.connection, entry, layout.segments, self._fills)
        )

    def _bodiless(
        self, exchange: Exchange, told: Told, entry: Entry, status: int, extra: bytes
    ) -> None:
        told.status = status
        exchange.reply(
            status_line(status)
            + not_modified_lines(entry.head.pairs)
            + extra
            + self._entry_hop(exchange, told, entry, None)
            + b"Content-Length: 0\r\n\r\n"
        )

    def _entry_hop(
        self, exchange: Exchange, told: Told, entry: Entry, forward_status: int | None
    ) -> bytes:
        now = self._now()
        freshness = entry.head.freshness
        member = format_cache_status(
            self._node,
            told.outcome,
            miss_class=told.miss_class,
            forward_status=forward_status,
            ttl_seconds=int(freshness.born_at + freshness.lifetime_seconds - now),
            stored=told.outcome is Outcome.MISS,
            collapsed=told.collapsed,
        )
        return (
            b"Age: %d\r\n" % freshness.age_seconds(now)
            + hop_lines(
                FieldLines(entry.head.pairs),
                member,
                self._node,
                told.request_id,
                exchange.closes_after,
            )
            + _kept_line(exchange)
        )

    def _classify(self, told: Told, entry: Entry, start: int, stop: int) -> None:
        """A hit on the entry is a hit on its bytes only if the blocks are here."""
        if told.outcome is not Outcome.HIT or start == stop:
            return
        first, last = start // entry.block_bytes, -(-stop // entry.block_bytes)
        states = entry.present[first:last]
        missing = states.count(ABSENT) + states.count(EVICTED)
        for block, growing in entry.growing.items() if missing else ():
            # In memory whole and on its way to the disk: nothing has to be fetched for it.
            if first <= block < last and growing.is_full and states[block - first] != HELD:
                missing -= 1
        if missing:
            told.outcome = Outcome.PARTIAL
            told.miss_class = MissClass.EVICTED if EVICTED in states else MissClass.COLD


def _kept_line(exchange: Exchange) -> bytes:
    """A client of HTTP/1.0 is told that its connection stays (RFC 9112 9.3)."""
    if exchange.request.minor_version or exchange.closes_after:
        return b""
    return b"Connection: keep-alive\r\n"


def _conditions(request: Request) -> dict[str, str]:
    fields = request.fields
    found: dict[str, str] = {}
    for name in _CONDITIONS:
        text = fields.text(name)
        if text is not None:
            found[name.decode()] = text
    return found


_CONDITIONS = (b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since")

"""What is remembered of each answer: a log record and the worker's counters, in the same words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from cdnkit.cache_status import Forward
from cdnkit.service.logs import AccessLog
from cdnkit.tokens import Claims
from cdnkit.wire import MissClass, Outcome, Traffic
from edge.box.says import Says, format_says
from edge.exchange import Exchange
from edge.fastlane import FastLane
from edge.ledger import Ledger

_LOGGED_FIELDS: Final = (("range", b"range"), ("user_agent", b"user-agent"))


@dataclass(slots=True)
class Told:
    """The course of one request, filled in while it is answered."""

    request_id: bytes
    status: int = 0
    asked_status: int | None = None
    outcome: Outcome = Outcome.ERROR
    miss_class: MissClass | None = None
    forward: Forward | None = None
    collapsed: bool = False
    claims: Claims | None = None
    tells: tuple[bytes, str] | None = None
    """What its player tells with it: of which target, and the text."""

    def passes(self, method: bytes) -> None:
        """Sent on for this client alone."""
        self.outcome = Outcome.PASS
        if method not in (b"GET", b"HEAD"):
            self.forward = Forward.METHOD

    def upstream_failed(self) -> None:
        """What is held has to do, stale as it is (RFC 9111 4.2.4)."""
        self.miss_class, self.forward = MissClass.HEALTH, Forward.STALE

    def said(self, entry: tuple[int, int] | None, *, held: bool) -> bytes:
        """The line that tells another worker of the box what its viewer is to be told.

        `entry` is the number of the entry and the message as of which that is true.
        """
        number, at = (None, 0) if entry is None else entry
        return format_says(
            Says(
                self.outcome,
                self.miss_class,
                self.asked_status,
                self.collapsed,
                number,
                at,
                held and entry is not None,
                self.forward,
            )
        )

    def adopt(self, says: Says) -> None:
        """Take over what the owner of the content says of it."""
        # What of it is at hand here is seen when the bytes are sent.
        partial = says.outcome is Outcome.PARTIAL
        self.outcome = Outcome.HIT if partial else says.outcome
        self.miss_class = None if partial else says.miss_class
        self.asked_status, self.forward = says.status, says.forward
        self.collapsed = self.collapsed or says.collapsed


@dataclass(slots=True)
class Counters:
    """Totals since the worker started, by (outcome, miss class, status)."""

    requests: dict[tuple[str, str, int], int] = field(default_factory=dict)
    sent_bytes: dict[tuple[str, str], int] = field(default_factory=dict)
    cut_short: int = 0


class Accounts:
    """Writes every finished answer down once."""

    def __init__(self, log: AccessLog, node: str, ledger: Ledger) -> None:
        self.counters = Counters()
        self._ledger = ledger
        self._log = log
        self._node = node

    @property
    def dropped_lines(self) -> int:
        """Lines of the access log that were lost."""
        return self._log.dropped

    def absorb(self, lane: FastLane) -> None:
        """Take over what the fast lane counted and recorded since the last time."""
        hit = Outcome.HIT.value
        counters = self.counters
        for status, count in ((200, lane.wholes), (206, lane.parts)):
            if count:
                key = (hit, "", status)
                counters.requests[key] = counters.requests.get(key, 0) + count
        sent_key = (hit, "")
        counters.sent_bytes[sent_key] = counters.sent_bytes.get(sent_key, 0) + self._bill(lane)
        counters.cut_short += lane.cut_short
        lane.wholes = lane.parts = lane.cut_short = 0
        if lane.log is not None and (lines := lane.log.take()):
            self._log.append_rendered(lines)

    def _bill(self, lane: FastLane) -> int:
        """Count what the lane sent for its titles; all of it."""
        sent_bytes = 0
        for hot in lane.take_unbilled():
            self._ledger.add(Traffic.EDGE, hot.title, hot.unbilled)
            sent_bytes += hot.unbilled
            hot.unbilled = 0
        return sent_bytes

    def refuse(
        self, request_id: bytes, client: str, status: int, reason: str, size_bytes: int
    ) -> None:
        """A head was refused with an answer of `size_bytes`; nothing else is known of it."""
        outcome, counters = Outcome.ERROR.value, self.counters
        request_key = (outcome, "", status)
        counters.requests[request_key] = counters.requests.get(request_key, 0) + 1
        bytes_key = (outcome, "")
        counters.sent_bytes[bytes_key] = counters.sent_bytes.get(bytes_key, 0) + size_bytes
        self._ledger.add(Traffic.EDGE, "", size_bytes)
        if self._log.enabled:
            self._log.append(
                {
                    "time": self._log.now(),
                    "tier": "edge",
                    "node": self._node,
                    "request_id": request_id.decode("latin-1"),
                    "client": client,
                    "status": status,
                    "bytes": size_bytes,
                    "outcome": outcome,
                    "refused": reason,
                }
            )

    def settle(self, told: Told, exchange: Exchange, complete: bool) -> None:
        """An answer ended, whole or not. Bytes count head and content."""
        request = exchange.request
        sent_bytes = exchange.sent_bytes
        counters = self.counters
        outcome = told.outcome.value
        reason = told.miss_class.value if told.miss_class is not None else ""
        request_key = (outcome, reason, told.status)
        counters.requests[request_key] = counters.requests.get(request_key, 0) + 1
        bytes_key = (outcome, reason)
        counters.sent_bytes[bytes_key] = counters.sent_bytes.get(bytes_key, 0) + sent_bytes
        to_edge = exchange.connection.inner
        # What is nobody's content (probes, preflights) is no title's either.
        status = told.status if told.outcome is not Outcome.OWN else 0
        self._ledger.sent(request.target, status, sent_bytes, to_edge=to_edge)
        if not complete:
            counters.cut_short += 1
        if self._log.enabled:
            record: dict[str, Any] = {
                "time": self._log.now(),
                "tier": "edge",
                "node": self._node,
                "request_id": told.request_id.decode("latin-1"),
                "client": exchange.connection.peer,
                "method": request.method.decode("latin-1"),
                "path": request.target.decode("latin-1"),
                "status": told.status,
                "bytes": sent_bytes,
                "duration_ms": round(exchange.seconds * 1000, 3),
                "outcome": outcome,
            }
            if reason:
                record["reason"] = reason
            for name, field_name in _LOGGED_FIELDS:
                text = request.fields.text(field_name)
                if text is not None:
                    record[name] = text
            if told.claims is not None and told.claims.session:
                record["session"] = told.claims.session
            if not complete:
                record["complete"] = False
            self._log.append(record)

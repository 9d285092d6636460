"""Which requests of an edge are recorded, and what their spans say.

The fast lane makes no spans: of what it could answer, a share takes the full path instead, and an
edge that records nothing has the lane as it was. Questions of other workers and edges carry the
decision of who asked first.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from math import ceil, log1p
from types import TracebackType
from typing import Any, Final, Self

from cdnkit.fields import Pair
from cdnkit.service.trace_export import Exporter, open_exporter
from cdnkit.service.tracing import CURRENT, Span, Tracer, path_of
from cdnkit.trace_context import TRACEPARENT, TRACESTATE, parse_parent
from config.tracing import Tracing
from edge.account import Told
from edge.connection import Connection
from edge.exchange import Exchange
from edge.fastlane import FastLane
from edge.onward import HOP_FIELD

_PARENT: Final = TRACEPARENT.encode()
_STATE: Final = TRACESTATE.encode()
_DUE_MAX: Final = 256
"""As many as one turn of the loop may find; who was due and asked for nothing is forgotten."""


class LaneSample:
    """Takes a share of the fast lane's requests to the full path, and remembers whose they are.

    Standing in for the lane, it counts down to the next one: the gaps are those of
    independent draws. Of workers and edges of ours nothing is due: who asked them has drawn.
    `chance` gives numbers from 0 up to 1.
    """

    def __init__(self, lane: FastLane, ratio: float, chance: Callable[[], float]) -> None:
        self._answer = lane.answer
        self._ratio = ratio
        self._chance = chance
        self._due: dict[Connection, None] = {}
        self._left = self._gap()

    def answer(self, connection: Connection, data: bytes) -> bool:
        """As the lane's; False for those that are due, too."""
        if self._left > 1 or connection.neighbour or connection.inner:
            if not self._answer(connection, data):
                return False
            self._left -= 1
            return True
        self._left = self._gap()
        if len(self._due) >= _DUE_MAX:
            del self._due[next(iter(self._due))]
        self._due[connection] = None
        return False

    def takes(self, connection: Connection) -> bool:
        """Whether the request that this connection has sent was due; told once."""
        if connection not in self._due:
            return False
        del self._due[connection]
        return True

    def _gap(self) -> int:
        """How many requests up to and with the next one that is due."""
        if self._ratio >= 1.0:
            return 1
        return max(1, ceil(log1p(-self._chance()) / log1p(-self._ratio)))


class Traces:
    """Records requests of one worker. Use as a context manager, which sends what was recorded."""

    def __init__(self, tracer: Tracer, sample: LaneSample | None, exporter: Exporter) -> None:
        self.exporter = exporter
        self._tracer = tracer
        self._sample = sample
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self.exporter)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def parts(self) -> dict[str, Any]:
        """The members of `edge.serve.Parts` that record."""
        return {"record": self.begin, "recorded": self.end}

    def counts(self) -> dict[str, int]:
        """What became of spans so far, as totals call it."""
        exporter = self.exporter
        return {"spans_sent": exporter.sent_total, "spans_dropped": exporter.dropped_total}

    def begin(self, exchange: Exchange, told: Told, is_ours: bool) -> None:
        """A request is about to be answered; `is_ours` once a tier of ours has proved to ask.

        Called before and after that is known; a request that claims it waits for the proof.
        """
        request, connection = exchange.request, exchange.connection
        if exchange.span is not None or (HOP_FIELD in request.fields and not is_ours):
            return
        given = request.fields.first(b"x-request-id")
        span = self._tracer.begin(
            f"edge {request.method.decode('latin-1')}",
            parse_parent(request.fields.text(_PARENT), request.fields.text(_STATE)),
            believed=is_ours or connection.neighbour or self._tracer.believes(connection.peer),
            request_id=given.decode("latin-1") if given == told.request_id else None,
            asked_by_us=is_ours or connection.neighbour,
            chosen=self._sample is not None and self._sample.takes(connection),
        )
        exchange.span = span
        # The task is this request's own, and so is its context.
        CURRENT.set(span)

    @staticmethod
    def end(exchange: Exchange, told: Told) -> None:
        """The answer has ended, whole or not."""
        span = exchange.span
        if span is None:
            return
        request = exchange.request
        span.attributes |= {
            "http.request.method": request.method.decode("latin-1"),
            "http.response.status_code": told.status,
            "url.path": path_of(request.target.decode("latin-1")),
            "cinedge.request_id": told.request_id.decode("latin-1"),
            "cinedge.outcome": told.outcome.value,
            "cinedge.sent_bytes": exchange.sent_bytes,
            "cinedge.complete": exchange.complete is True,
            "cinedge.collapsed": told.collapsed,
        }
        if told.miss_class is not None:
            span.attributes["cinedge.miss_class"] = told.miss_class.value
        if told.status >= 500:
            span.error = str(told.status)
        span.end()


def handed_on(pairs: Sequence[Pair], own: Sequence[Pair]) -> tuple[Sequence[Pair], Sequence[Pair]]:
    """Fields of a question upwards: a viewer's word of traces goes out, ours comes in.

    Upstreams believe their edges, who have to answer for what they say.
    """
    pairs = [pair for pair in pairs if pair[0] not in (_PARENT, _STATE)]
    span = CURRENT.get()
    if span is None:
        return pairs, own
    return pairs, [*own, *_fields_of(span)]


def handing_on(
    tracing: Tracing | None,
) -> Callable[[Sequence[Pair], Sequence[Pair]], tuple[Sequence[Pair], Sequence[Pair]]] | None:
    """What questions upwards go through; None where nothing is recorded."""
    return None if tracing is None else handed_on


def _fields_of(span: Span) -> list[Pair]:
    fields = [(_PARENT, span.parent_field.encode())]
    return [*fields, (_STATE, span.state.encode("latin-1"))] if span.state else fields


def open_traces(tracing: Tracing | None, node: str, lane: FastLane) -> Traces | None:
    """What records the requests of a worker, if the topology wants any. Raises UnavailableError."""
    if tracing is None:
        return None
    exporter = open_exporter(tracing.endpoint, "edge", node)
    tracer = Tracer(
        tracing.sample_ratio,
        tracing.believe,
        tracing.per_second_max,
        exporter.keep,
        secrets.randbits,
    )
    sample = None
    if tracing.sample_ratio:
        sample = LaneSample(lane, tracing.sample_ratio, random.random)
        lane.stand_in = sample.answer
    return Traces(tracer, sample, exporter)

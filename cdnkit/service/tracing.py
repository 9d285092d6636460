"""Spans: what one request did and for how long, under one trace across tiers.

A tier asks a `Tracer` whether a request is recorded; inside, `step` makes spans of parts of the
work, for whatever the current request is, and costs one look at a context variable where none is.
Spans go to `keep`, which must not wait (`cdnkit.service.trace_export`). Only facts of the CDN
become attributes: no token, no query, no field of a viewer's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from types import TracebackType
from typing import Final

from cdnkit.errors import CinedgeError
from cdnkit.service.redact import redact_path
from cdnkit.trace_context import (
    SPAN_BITS,
    TRACE_BITS,
    Parent,
    format_parent,
    is_in_sample,
    trace_of_request,
)

Network = IPv4Network | IPv6Network
Value = str | int | float | bool


class Kind(Enum):
    """Which side of a conversation a span is."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"


@dataclass(slots=True)
class Span:
    """One piece of work. Moments are nanoseconds since the epoch; `parent_id` 0 means none.

    `error` says why it failed; empty when it did not.
    """

    name: str
    kind: Kind
    trace_id: int
    span_id: int
    parent_id: int
    began_ns: int
    tracer: Tracer
    state: str = ""
    attributes: dict[str, Value] = field(default_factory=dict)
    error: str = ""
    ended_ns: int = 0

    def child(self, name: str, kind: Kind, attributes: dict[str, Value]) -> Span:
        """A part of this work that begins now."""
        tracer = self.tracer
        span_id = tracer.draw_id(SPAN_BITS)
        return Span(
            *(name, kind, self.trace_id, span_id, self.span_id, tracer.now_ns(), tracer),
            *(self.state, attributes),
        )

    def end(self) -> None:
        """It is over; once."""
        if not self.ended_ns:
            self.ended_ns = self.tracer.now_ns()
            self.tracer.keep(self)

    @property
    def parent_field(self) -> str:
        """`traceparent` for whoever is asked on behalf of this work."""
        return format_parent(self.trace_id, self.span_id)


CURRENT: Final[ContextVar[Span | None]] = ContextVar("span", default=None)
"""What is being done in this context, where it is recorded."""
_NOTHING: Final = nullcontext()


class _Step:
    """A child of the current span for as long as a block runs."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span
        self._token: Token[Span | None] | None = None

    def __enter__(self) -> Span:
        self._token = CURRENT.set(self._span)
        return self._span

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._token is not None
        CURRENT.reset(self._token)
        if error is not None:
            self._span.error = name_of(error)
        self._span.end()


def step(
    name: str, kind: Kind = Kind.INTERNAL, **attributes: Value
) -> AbstractContextManager[Span | None]:
    """A span around a block, below the current one; None in it when nothing is recorded.

    Underscores of attributes' names stand for dots behind `cinedge.`.
    """
    parent = CURRENT.get()
    if parent is None:
        return _NOTHING
    named = {f"cinedge.{key}": value for key, value in attributes.items()}
    return _Step(parent.child(name, kind, named))


def name_of(error: BaseException) -> str:
    """What a failure is called in a span: never its text, which may hold what was asked for."""
    return error.code if isinstance(error, CinedgeError) else type(error).__name__


def path_of(target: str) -> str:
    """The path of a target as spans may have it: without tokens and without its query."""
    return redact_path(target).partition("?")[0][:_PATH_MAX]


_PATH_MAX: Final = 512


class Tracer:
    """Decides for one process which requests are recorded.

    `ratio` is the share of requests that begin a trace here, `per_second_max` a bound for all that
    are recorded. `believed` are networks whose word counts: which trace a request belongs to, and
    whether that is recorded. `draw_bits` gives random bits.
    """

    def __init__(
        self,
        ratio: float,
        believed: Sequence[str],
        per_second_max: int,
        keep: Callable[[Span], None],
        draw_bits: Callable[[int], int],
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.ratio = ratio
        self.keep = keep
        self.now_ns = now_ns
        self._believed: list[Network] = [ip_network(text, strict=False) for text in believed]
        self._per_second_max = per_second_max
        self._draw_bits = draw_bits
        self._second = 0
        self._this_second = 0

    def believes(self, address: str | None) -> bool:
        """Whether who asks from this address may say which trace a request belongs to."""
        try:
            found = ip_address(address or "")
        except ValueError:
            return False
        # As a listener for both families names who comes over IPv4.
        plain = getattr(found, "ipv4_mapped", None) or found
        return any(plain in network for network in self._believed)

    def draw_id(self, bits: int) -> int:
        """An id; never 0, which means none."""
        return self._draw_bits(bits) or 1

    def begin(
        self,
        name: str,
        parent: Parent | None,
        *,
        believed: bool,
        request_id: str | None,
        asked_by_us: bool = False,
        chosen: bool = False,
    ) -> Span | None:
        """The span of a request that has just come, if it is recorded.

        `request_id` is the id the client gave, None when we made one; `asked_by_us` marks questions
        of another tier, which has decided; `chosen` ones are recorded without another draw.
        """
        parent_id, state = 0, ""
        if believed and parent is not None:
            trace_id, parent_id, state = parent.trace_id, parent.span_id, parent.state
            if not parent.sampled:
                return None
        else:
            if asked_by_us:
                return None
            trace_id = (
                self.draw_id(TRACE_BITS) if request_id is None else trace_of_request(request_id)
            )
            if not (chosen or is_in_sample(trace_id, self.ratio)):
                return None
        now_ns = self.now_ns()
        if not self._has_room(now_ns):
            return None
        span_id = self.draw_id(SPAN_BITS)
        return Span(name, Kind.SERVER, trace_id, span_id, parent_id, now_ns, self, state)

    def _has_room(self, now_ns: int) -> bool:
        second = now_ns // 1_000_000_000
        if second != self._second:
            self._second, self._this_second = second, 0
        self._this_second += 1
        return self._this_second <= self._per_second_max

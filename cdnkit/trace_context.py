"""What one tier tells the next of a trace: `traceparent` and `tracestate` (W3C Trace Context).

A field that breaks the grammar says nothing. Whether one that keeps it is believed is for the tier
that got it to decide. Pure.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
TRACE_BITS: Final = 128
SPAN_BITS: Final = 64

_PARENT: Final = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})"
    r"-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?",
    re.ASCII,
)
_STATE: Final = re.compile(r"[\x20-\x7e\t]{1,512}", re.ASCII)
_SAMPLED: Final = 1


@dataclass(frozen=True, slots=True)
class Parent:
    """The span of somebody else that a request belongs to; `state` is handed on as it came."""

    trace_id: int
    span_id: int
    sampled: bool
    state: str = ""


def parse_parent(text: str | None, state: str | None = None) -> Parent | None:
    """What `traceparent` says (3.2); None when it is missing or broken.

    Later versions are read as far as this one goes (4.1). A `tracestate` that is too long or no
    text is dropped (3.3.1.5).
    """
    match = _PARENT.fullmatch((text or "").strip(" \t"))
    if match is None or match["version"] == "ff":
        return None
    if match["version"] == "00" and match["more"] is not None:
        return None
    trace_id, span_id = int(match["trace"], 16), int(match["span"], 16)
    if not trace_id or not span_id:
        return None
    kept = state if state is not None and _STATE.fullmatch(state) else ""
    return Parent(trace_id, span_id, bool(int(match["flags"], 16) & _SAMPLED), kept)


def format_parent(trace_id: int, span_id: int) -> str:
    """`traceparent` of a span that is recorded."""
    return f"00-{trace_id:032x}-{span_id:016x}-01"


def trace_of_request(request_id: str) -> int:
    """The trace that every tier finds for a request's id, when nobody believed names another."""
    digest = hashlib.sha256(b"cinedge-trace\n" + request_id.encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:16]) or 1


def is_in_sample(trace_id: int, ratio: float) -> bool:
    """Whether a trace is among this share of all: the same answer at every tier that asks.

    The last 56 bits decide, which are the random ones of an id (W3C Trace Context 2, 3.2.2.3).
    """
    return (trace_id & ((1 << 56) - 1)) < ratio * (1 << 56)

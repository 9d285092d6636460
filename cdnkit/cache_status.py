"""One member of Cache-Status per hop: how this cache came to its answer (RFC 9211).

Decides the words; the parts that do not change between answers are made once and remembered.
"""

from __future__ import annotations

import enum
import re
from functools import lru_cache
from typing import Final

from cdnkit.structured import parse_list
from cdnkit.wire import MissClass, Outcome


class Forward(enum.Enum):
    """Why a request went on towards the origin (RFC 9211 2.2)."""

    BYPASS = "bypass"
    METHOD = "method"
    URI_MISS = "uri-miss"
    VARY_MISS = "vary-miss"
    MISS = "miss"
    REQUEST = "request"
    STALE = "stale"
    PARTIAL = "partial"


_FORWARD_OF: Final[dict[Outcome, Forward | None]] = {
    Outcome.HIT: None,
    Outcome.STALE: None,
    Outcome.MISS: Forward.URI_MISS,
    Outcome.PARTIAL: Forward.PARTIAL,
    Outcome.REVALIDATED: Forward.STALE,
    Outcome.PASS: Forward.BYPASS,
    Outcome.ERROR: Forward.MISS,
    Outcome.OWN: None,
}
_TOKEN: Final = re.compile(r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*")
_UNSAYABLE: Final = re.compile(r"[^ -~]")


def format_cache_status(
    cache: str,
    outcome: Outcome,
    *,
    miss_class: MissClass | None = None,
    forward: Forward | None = None,
    forward_status: int | None = None,
    ttl_seconds: int | None = None,
    stored: bool = False,
    collapsed: bool = False,
    key: str | None = None,
    detail: str | None = None,
) -> str:
    """Our member, such as `edge-1; fwd=uri-miss; fwd-status=206; stored; detail=cold`.

    `forward` overrides the reason that goes with the outcome; `detail` the word of `miss_class`.
    A stale answer is a hit unless a forward reason or status shows that the origin was asked.
    """
    if forward is None and forward_status is not None and outcome is Outcome.STALE:
        forward = Forward.STALE
    member = _head(cache, outcome, miss_class, forward)
    # A hit was not forwarded, so it has no status and was not stored by it (RFC 9211 2.3, 2.5).
    if forward is not None or _FORWARD_OF[outcome] is not None:
        if forward_status is not None:
            member += f"; fwd-status={forward_status}"
        if stored:
            member += "; stored"
        if collapsed:
            member += "; collapsed"
    if ttl_seconds is not None:
        member += f"; ttl={ttl_seconds}"
    if key is not None:
        member += f"; key={_string(key)}"
    if detail is not None:
        return f"{member}; detail={_token_or_string(detail)}"
    return member if miss_class is None else f"{member}; detail={miss_class.value}"


def append_cache_status(upstream: str | None, member: str) -> str:
    """The field as we send it on: the hops nearer to the origin first, then ours.

    A field that is no structured list is dropped, or it would make ours unreadable.
    """
    if not upstream or not parse_list(upstream):
        return member
    return f"{upstream}, {member}"


@lru_cache(maxsize=1024)
def _head(
    cache: str, outcome: Outcome, miss_class: MissClass | None, forward: Forward | None
) -> str:
    reason = forward or _FORWARD_OF[outcome]
    if forward is None and outcome is Outcome.MISS and miss_class is MissClass.EXPIRED:
        reason = Forward.STALE
    if reason is None:
        # What no cache was asked for is neither (RFC 9211 2.1).
        return _token_or_string(cache) + ("" if outcome is Outcome.OWN else "; hit")
    return f"{_token_or_string(cache)}; fwd={reason.value}"


def _token_or_string(text: str) -> str:
    return text if _TOKEN.fullmatch(text) else _string(text)


def _string(text: str) -> str:
    """A quoted string; what it cannot hold becomes "?" (RFC 8941 3.3.3)."""
    sayable = _UNSAYABLE.sub("?", text)
    return '"' + sayable.replace("\\", "\\\\").replace('"', '\\"') + '"'

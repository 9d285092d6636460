"""The request an edge makes of its upstream, from the one it got (RFC 9110 7.6, 9111 4.3.1). Pure.

Only messages made here go up: own framing, one Host, no hop-by-hop fields, conditions and ranges of
our own where the answer is to be stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cdnkit.cache_control import parse_seconds
from cdnkit.errors import CinedgeError
from cdnkit.fields import FieldLines, Pair, end_to_end, split_list
from cdnkit.wire import CDN_NAME
from edge.http1.request import Request

HOP_FIELD: Final = b"cinedge-hop"
"""Names the edge of ours that asks another one, with its signature (`edge.hop`)."""
HEARD_FIELD: Final = b"cinedge-heard"
"""How far the worker of a box that asks another one has heard of changes."""
PURPOSE_FIELD: Final = b"cinedge-purpose"
"""What a worker or an edge of ours fetches for, where that is no viewer (`edge.purpose`)."""
_OWN: Final = frozenset(
    {b"host", b"content-length", b"expect", b"x-request-id", b"max-forwards"}
    | {HOP_FIELD, HEARD_FIELD, PURPOSE_FIELD}
)
_SELECTIVE: Final = frozenset(
    {
        b"range",
        b"if-range",
        b"if-match",
        b"if-none-match",
        b"if-modified-since",
        b"if-unmodified-since",
    }
)

_UNKEYED: Final = frozenset(
    {
        b"forwarded",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-prefix",
        b"x-forwarded-proto",
        b"x-forwarded-scheme",
        b"x-forwarded-server",
        b"x-host",
        b"x-http-host-override",
        b"x-http-method",
        b"x-http-method-override",
        b"x-method-override",
        b"x-original-host",
        b"x-original-url",
        b"x-rewrite-url",
    }
)
"""What servers are known to build an answer from although no key holds it: one client's word would
become what all others get."""


class LoopDetectedError(CinedgeError):
    """The request came through this node before (RFC 5842 7.2)."""

    status = 508
    code = "loop-detected"


def refuse_loop(fields: FieldLines, node: str) -> None:
    """Raises LoopDetectedError when Via or CDN-Loop names this node (RFC 8586 2)."""
    loop = fields.text(b"cdn-loop")
    if loop is not None and _loop_member(node) in split_list(loop):
        raise LoopDetectedError(f"the request came through {node} before")
    via = fields.text(b"via")
    if via is not None:
        for member in via.split(","):
            words = member.split()
            if len(words) >= 2 and words[1] == node:
                raise LoopDetectedError(f"the request came through {node} before")


def nodes_passed(pairs: Sequence[Pair]) -> frozenset[str]:
    """Names that Via has for the nodes a request came through."""
    members = [
        each.split() for name, value in pairs if name == b"via" for each in value.split(b",")
    ]
    return frozenset(words[1].decode("latin-1") for words in members if len(words) >= 2)


def _loop_member(node: str) -> str:
    """One name for all our nodes, so that others see one network, and which of them it was."""
    return f"{CDN_NAME};node={node}"


def forwards_left(request: Request) -> int | None:
    """Max-Forwards of OPTIONS; None when it does not count (RFC 9110 7.6.2)."""
    text = request.fields.text(b"max-forwards") if request.method == b"OPTIONS" else None
    return None if text is None else parse_seconds(text)


def shared_pairs(request: Request) -> list[Pair]:
    """The client's fields that go along when the answer may be stored for others."""
    return [
        pair
        for pair in end_to_end(request.pairs)
        if pair[0] not in _OWN and pair[0] not in _SELECTIVE and pair[0] not in _UNKEYED
    ]


def all_pairs(request: Request) -> list[Pair]:
    """The client's fields that go along when the answer is for this client alone."""
    pairs = [pair for pair in end_to_end(request.pairs) if pair[0] not in _OWN]
    left = forwards_left(request)
    return [*pairs, (b"max-forwards", b"%d" % (left - 1))] if left else pairs


def upstream_head(
    method: bytes,
    target: bytes,
    authority: bytes,
    pairs: Sequence[Pair],
    own: Sequence[Pair],
    via: bytes,
    node: str,
    request_id: bytes,
) -> bytes:
    """The bytes of the head. `own` replaces fields of the same name in `pairs`.

    `via` is the whole line, earlier hops included; CDN-Loop is added to what came, which nobody
    on the way may take out (RFC 8586 2).
    """
    replaced = {b"via", *(name for name, _ in own)}
    lines = [b"%b %b HTTP/1.1\r\nHost: %b\r\n" % (method, target, authority)]
    lines += [b"%b: %b\r\n" % pair for pair in pairs if pair[0] not in replaced]
    lines += [b"%b: %b\r\n" % pair for pair in own]
    lines.append(
        b"Via: %b\r\nCDN-Loop: %b\r\nX-Request-Id: %b\r\n\r\n"
        % (via, _loop_member(node).encode(), request_id)
    )
    return b"".join(lines)


def via_line(fields: FieldLines, node: str) -> bytes:
    """Via with this node appended (RFC 9110 7.6.3)."""
    before = fields.combined(b"via")
    ours = b"1.1 " + node.encode()
    return ours if before is None else before + b", " + ours

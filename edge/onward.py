"""The request an edge makes of its upstream, from the one it got (RFC 9110 7.6, 9111 4.3.1). Pure.

Only messages made here go up: own framing, one Host, no hop-by-hop fields, conditions and ranges of
our own where the answer is to be stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cdnkit.errors import CinedgeError
from cdnkit.fields import FieldLines, Pair, end_to_end
from cdnkit.wire import CDN_NAME
from edge.http1.request import Request

_OWN: Final = frozenset({b"host", b"content-length", b"expect", b"x-request-id", b"max-forwards"})
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


class LoopDetectedError(CinedgeError):
    """The request came through this node before (RFC 5842 7.2)."""

    status = 508
    code = "loop-detected"


def refuse_loop(fields: FieldLines, node: str) -> None:
    """Raises LoopDetectedError when Via names this node."""
    via = fields.text(b"via")
    if via is not None:
        for member in via.split(","):
            words = member.split()
            if len(words) >= 2 and words[1] == node:
                raise LoopDetectedError(f"the request came through {node} before")


def shared_pairs(request: Request) -> list[Pair]:
    """The client's fields that go along when the answer may be stored for others."""
    return [
        pair
        for pair in end_to_end(request.pairs)
        if pair[0] not in _OWN and pair[0] not in _SELECTIVE
    ]


def all_pairs(request: Request) -> list[Pair]:
    """The client's fields that go along when the answer is for this client alone."""
    return [pair for pair in end_to_end(request.pairs) if pair[0] not in _OWN]


def upstream_head(
    method: bytes,
    target: bytes,
    authority: bytes,
    pairs: Sequence[Pair],
    own: Sequence[Pair],
    via: bytes,
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
        % (via, CDN_NAME.encode(), request_id)
    )
    return b"".join(lines)


def via_line(fields: FieldLines, node: str) -> bytes:
    """Via with this node appended (RFC 9110 7.6.3)."""
    before = fields.combined(b"via")
    ours = b"1.1 " + node.encode()
    return ours if before is None else before + b", " + ours

"""Log lines of the fast lane: the vocabulary of every access log, rendered without a dictionary.

At tens of thousands of hits a second the JSON encoder alone would cost as much as serving them;
what does not change between two hits of a target is rendered once per target.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from cdnkit.service.logs import format_time
from cdnkit.service.redact import redact_path

if TYPE_CHECKING:
    from edge.fastlane import Hot, LaneRecord

_TEXT_MAX: Final = 2048
"""As the access log cuts texts."""


def render_lane(records: Sequence[LaneRecord], node: str, id_prefix: bytes) -> bytes:
    """JSON lines for `records`, each ended by a newline."""
    start = f'","tier":"edge","node":{json.dumps(node)},"request_id":"'.encode() + id_prefix
    lines: list[bytes] = []
    second, moment = -1.0, b""
    for hot, client, number, digits, sent_bytes, ended_at, seconds, complete in records:
        if ended_at != second:
            second = ended_at
            moment = b'{"time":"' + format_time(ended_at).encode() + start
        if not hot.log_part:
            _render_fixed(hot)
        lines.append(
            b'%b%x","client":"%b%b%d,"range":"bytes=%b","duration_ms":'
            % (moment, number, client, hot.log_part, sent_bytes, digits)
            if digits
            else b'%b%x","client":"%b%b%d,"duration_ms":'
            % (moment, number, client, hot.log_whole, sent_bytes)
        )
        # Taken by the socket at once: nothing was waited for.
        lines.append(b"0.0}\n" if complete and not seconds else _course(seconds, complete))
    return b"".join(lines)


def client_text(peer: str, user_agent: str | None) -> bytes:
    """Who asks, as it stands inside the quotes of `client`: made once per connection."""
    if user_agent is None:
        return peer.encode()
    return f'{peer}","user_agent":{json.dumps(_cut(user_agent))}'[:-1].encode()


def _course(seconds: float, complete: bool) -> bytes:
    return b"%.3f%b}\n" % (seconds * 1000, b"" if complete else b',"complete":false')


def _render_fixed(hot: Hot) -> None:
    path = json.dumps(_cut(redact_path(hot.target.decode("latin-1"))))
    session = f',"session":{json.dumps(_cut(hot.session))}' if hot.session else ""
    middle = f'","method":"GET","path":{path}{session},"outcome":"hit","status":'
    hot.log_part = f'{middle}206,"bytes":'.encode()
    hot.log_whole = f'{middle}200,"bytes":'.encode()


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_MAX else text[:_TEXT_MAX] + "…"

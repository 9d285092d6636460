"""Log lines of the fast lane: the vocabulary of every access log, rendered without a dictionary.

At tens of thousands of hits a second the JSON encoder alone would cost as much as serving them;
what does not change between two hits of a target is rendered once per target.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from cdnkit.service.logs import format_time
from cdnkit.service.redact import redact_path
from edge.fastlane import Hot, LaneRecord


def render_lane(records: Sequence[LaneRecord], node: str, id_prefix: bytes) -> bytes:
    """JSON lines for `records`, each ended by a newline."""
    start = f'","tier":"edge","node":{json.dumps(node)},"request_id":"'.encode() + id_prefix
    lines: list[bytes] = []
    second, moment = -1.0, b""
    for hot, client, number, first, stop, is_range, sent_bytes, at, seconds, complete in records:
        if at != second:
            second = at
            moment = b'{"time":"' + format_time(at).encode() + start
        if not hot.log_part:
            _render_fixed(hot)
        line = (
            b'%b%x","client":"%b%b%d,"range":"bytes=%d-%d","duration_ms":'
            % (moment, number, client, hot.log_part, sent_bytes, first, stop - 1)
            if is_range
            else b'%b%x","client":"%b%b%d,"duration_ms":'
            % (moment, number, client, hot.log_whole, sent_bytes)
        )
        lines.append(line)
        # Taken by the socket at once: nothing was waited for.
        lines.append(b"0.0}\n" if complete and not seconds else _course(seconds, complete))
    return b"".join(lines)


def _course(seconds: float, complete: bool) -> bytes:
    return b"%.3f%b}\n" % (seconds * 1000, b"" if complete else b',"complete":false')


def _render_fixed(hot: Hot) -> None:
    path = json.dumps(redact_path(hot.target.decode("latin-1")))
    session = f',"session":{json.dumps(hot.session)}' if hot.session else ""
    middle = f'","method":"GET","path":{path}{session},"outcome":"hit","status":'
    hot.log_part = f'{middle}206,"bytes":'.encode()
    hot.log_whole = f'{middle}200,"bytes":'.encode()

"""Log lines of the fast lane: the vocabulary of every access log, without a dictionary or a format.

At tens of thousands of hits a second the JSON encoder alone would cost as much as serving them. A
line is a handful of texts that exist already (of the moment, the connection, the target); the lane
appends them to one list, and joining many lines at once costs less per line than formatting one
number (docs/benchmarks.md).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from math import log1p
from typing import Final

from cdnkit.service.logs import format_time
from cdnkit.service.redact import redact_path
from edge.primitives import Lines

RANGE: Final = b',"range":"bytes='
END_PART: Final = b'","duration_ms":0.0}\n'
"""Taken by the socket at once: nothing was waited for."""
END_WHOLE: Final = b',"duration_ms":0.0}\n'
_MICROSECOND: Final = 1e-6
_TEXT_MAX: Final = 2048
"""As the access log cuts texts."""


class LaneLog:
    """Lines of one worker's lane, of which `lines` are those that `take` joins.

    A line is `start`, the request's number, `client_text`, one of `target_texts`, the bytes sent,
    then either END_WHOLE and nothing twice, or RANGE, the range's digits and END_PART.
    """

    __slots__ = (
        "_behind_time",
        "_cut",
        "_from",
        "_second",
        "_second_text",
        "_until",
        "lines",
        "start",
    )

    def __init__(self, node: str, id_prefix: bytes) -> None:
        self.lines = Lines()
        self._cut = self.lines
        self.start = b""
        self._behind_time = (
            f'Z","tier":"edge","node":{json.dumps(node)},"request_id":"'.encode() + id_prefix
        )
        self._from = self._until = 0.0
        self._second = -1
        self._second_text = b""

    def begin(self, at: float) -> None:
        """What is logged from now on ended at this moment (wall clock)."""
        if self._from <= at < self._until:
            # Thousands of times a second. Within a microsecond of its edges rounding would decide.
            return
        moment = round(at * 1_000_000) // 1000
        self._from, self._until = moment / 1000 + _MICROSECOND, (moment + 1) / 1000 - _MICROSECOND
        second, milliseconds = divmod(moment, 1000)
        if second != self._second:
            self._second = second
            self._second_text = b'{"time":"' + format_time(second)[:-4].encode()
        self.start = b"%b%03d%b" % (self._second_text, milliseconds, self._behind_time)

    def late(
        self,
        number: bytes,
        client: bytes,
        target_text: bytes,
        sent_bytes: int,
        digits: bytes,
        seconds: float,
        complete: bool,
    ) -> None:
        """Log an answer that took time, or was not sent whole."""
        ranged = b'%b%b"' % (RANGE, digits) if digits else b""
        end = b',"duration_ms":%.3f%b}\n' % (
            seconds * 1000,
            b"" if complete else b',"complete":false',
        )
        lines = self.lines if complete else self._cut
        lines.add(self.start, number, client, target_text, b"%d" % sent_bytes, ranged, end, b"")

    def take(self) -> bytes:
        """All lines since the last time, each ended by a newline."""
        return self.lines.take()


class SampledLaneLog(LaneLog):
    """Keeps a share of the lines, above 0 and below 1, each with `sample`, which says the share.

    Lines are drawn when they are joined, so that the lane does what it always does. What was not
    sent whole is always kept, without `sample`: it stands for itself. `chance` gives numbers from
    0 up to 1.
    """

    __slots__ = ("_chance", "_end", "_ratio", "_skip")

    def __init__(
        self, node: str, id_prefix: bytes, ratio: float, chance: Callable[[], float]
    ) -> None:
        super().__init__(node, id_prefix)
        self._ratio = ratio
        self._chance = chance
        self._end = f',"sample":{ratio!r}}}\n'.encode()
        self._cut = Lines()
        self._skip = self._gap()

    def take(self) -> bytes:
        """The lines that were drawn since the last time, and all of what was cut."""
        lines = super().take().splitlines()
        kept = [self._cut.take()]
        while self._skip < len(lines):
            kept += (lines[self._skip][:-1], self._end)
            self._skip += 1 + self._gap()
        self._skip -= len(lines)
        return b"".join(kept)

    def _gap(self) -> int:
        """How many lines to leave out before the next: as if each were drawn by itself."""
        return int(log1p(-self._chance()) / log1p(-self._ratio))


def lane_log_of(node: str, id_prefix: bytes, ratio: float, chance: Callable[[], float]) -> LaneLog:
    """The log of a lane that keeps this share of its lines."""
    if ratio >= 1.0:
        return LaneLog(node, id_prefix)
    return SampledLaneLog(node, id_prefix, ratio, chance)


def client_text(peer: str, user_agent: str | None) -> bytes:
    """Who asks, from the end of the request's number on: made once per connection."""
    agent = "" if user_agent is None else f'","user_agent":{json.dumps(_cut(user_agent))}'[:-1]
    return f'","client":"{peer}{agent}'.encode()


def target_texts(target: bytes, session: str) -> tuple[bytes, bytes]:
    """What was asked for, whole and in part, up to the bytes sent: made once per target."""
    path = json.dumps(_cut(redact_path(target.decode("latin-1"))))
    said = f',"session":{json.dumps(_cut(session))}' if session else ""
    middle = f'","method":"GET","path":{path}{said},"outcome":"hit","status":'
    return f'{middle}200,"bytes":'.encode(), f'{middle}206,"bytes":'.encode()


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_MAX else text[:_TEXT_MAX] + "…"

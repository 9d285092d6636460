"""What the lane writes down of its answers: figures and log lines, as those of the full server.

Entries are kept until `settle`, which adds up and renders many at once.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Final

from cdnkit.service.logs import AccessLog, format_time
from cdnkit.service.metrics import Telemetry
from cdnkit.service.redact import redact_path
from cdnkit.wire import CONTENT_PREFIX
from origin.lane.connection import Answer

ROUTE: Final = CONTENT_PREFIX + "{key}"
ENTRIES_MAX: Final = 512
"""Settled at once when there are so many: rendering more would hold a client up."""

_quote = json.encoder.encode_basestring_ascii


class Books:
    """The account of one lane."""

    def __init__(self, telemetry: Telemetry, log: AccessLog) -> None:
        self.connections = telemetry.connections
        self._telemetry = telemetry
        self._log = log
        self._place = f'","tier":{_quote(telemetry.tier)},"node":{_quote(telemetry.node)}'
        self._busy = 0
        self._entries: list[tuple[Answer, str, float, float, str]] = []

    def count_closed(self, reason: str) -> None:
        """Count a connection that was cut."""
        self._telemetry.count_closed(reason)

    def show_busy(self, connections: int) -> None:
        """Let the gauge of requests in flight have this lane's share, as of now."""
        self._telemetry.in_flight.inc(connections - self._busy)
        self._busy = connections

    def enter(
        self, answer: Answer, client: str, at: float, duration_seconds: float, error: str
    ) -> None:
        """Keep an answer that has ended; `at` is in seconds since the epoch, `error` says why it
        is not complete."""
        self._entries.append((answer, client, at, duration_seconds, error))
        if len(self._entries) >= ENTRIES_MAX:
            self.settle()

    def settle(self) -> None:
        """Count and log what was kept."""
        entries, self._entries = self._entries, []
        durations: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
        sent_bytes: defaultdict[tuple[str, int], int] = defaultdict(int)
        for answer, _, _, seconds, error in entries:
            kind = (answer.asked.method, answer.status)
            durations[kind].append(seconds)
            sent_bytes[kind] += answer.sent_bytes
            if error and error != "client-gone":
                self._telemetry.count_error(error)
                self._telemetry.count_closed("cut-answer")
        for kind, seconds_of_all in durations.items():
            self._telemetry.observe_requests(*kind, ROUTE, seconds_of_all, sent_bytes[kind])
        if self._log.enabled and entries:
            self._log.append_rendered(self._render(entries))

    def _render(self, entries: list[tuple[Answer, str, float, float, str]]) -> bytes:
        """Lines, without the dictionary and the encoder that cost as much as the answer."""
        lines: list[str] = []
        last, start = -1.0, ""
        for answer, client, at, seconds, error in entries:
            if at != last:
                last, start = at, f'{{"time":"{format_time(at)}{self._place},"request_id":"'
            asked = answer.asked
            if not asked.log_part:
                asked.log_part = (
                    f',"method":"{asked.method}","path":{_quote(redact_path(asked.target))}'
                )
            line = (
                f'{start}{answer.request_id.decode()}","client":"{client}"{asked.log_part}'
                f',"status":{answer.status},"bytes":{answer.sent_bytes}'
                f',"duration_ms":{round(seconds * 1000, 3)}'
            )
            if answer.range_text:
                line += f',"range":{_quote(answer.range_text)}'
            agent = asked.fields.get("user-agent")
            if agent is not None:
                line += f',"user_agent":{_quote(agent)}'
            lines.append(f'{line},"error":{_quote(error)}}}\n' if error else line + "}\n")
        return "".join(lines).encode()

"""Log lines of redirects answered the short way: the words of every access log, without a format.

A line is a handful of texts that exist already (of the moment, the connection, the target, the
edge); they are kept in one list and joined many at a time. Encoding each record as JSON cost as
much as answering it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from cdnkit.service.logs import AccessLog, format_time
from cdnkit.service.redact import redact_path

PIECES_MAX: Final = 4096
"""Kept before they are joined: lots small enough that no viewer waits for it."""

_TEXT_MAX: Final = 2048
_TARGETS_MAX: Final = 16_384


class RedirectLog:
    """Lines of one worker's lane."""

    def __init__(self, log: AccessLog, tier: str, node: str, now: Callable[[], float]) -> None:
        self.enabled = log.enabled
        self._log = log
        self._now = now
        self._pieces: list[bytes] = []
        self._targets: dict[bytes, bytes] = {}
        self._behind_time = (
            f'Z","tier":{json.dumps(tier)},"node":{json.dumps(node)},"request_id":"'.encode()
        )
        self._milliseconds = -1
        self._start = b""

    def add(self, request_id: bytes, client: bytes, target: bytes, choice: bytes) -> None:
        """Log one redirect, with what `client_text` and `choice_text` gave."""
        milliseconds = int(self._now() * 1000)
        if milliseconds != self._milliseconds:
            self._milliseconds = milliseconds
            time = format_time(milliseconds / 1000 + 0.0005)[:-1].encode()
            self._start = b'{"time":"' + time + self._behind_time
        self._pieces += (
            self._start,
            request_id,
            client,
            self._targets.get(target) or self._target_text(target),
            choice,
        )
        if len(self._pieces) > PIECES_MAX:
            self.flush()

    def flush(self) -> None:
        """Hand over what was added."""
        pieces, self._pieces = self._pieces, []
        if pieces:
            self._log.append_rendered(b"".join(pieces))

    def _target_text(self, target: bytes) -> bytes:
        if len(self._targets) >= _TARGETS_MAX:
            self._targets.clear()
        path = redact_path(target.decode("latin-1"))[:_TEXT_MAX]
        text = self._targets[target] = json.dumps(path).encode()
        return text


def choice_text(edge: str, rung: str, source: str) -> bytes:
    """What the lines of one choice have in common: an edge, its rung, what told the place."""
    named = f'"edge":{json.dumps(edge)},"rung":{json.dumps(rung)},"place":{json.dumps(source)}'
    return f',"status":302,"bytes":0,"duration_ms":0.0,{named}}}\n'.encode()


def client_text(client: str) -> bytes:
    """What the lines of one connection have in common."""
    return f'","client":{json.dumps(client)},"method":"GET","path":'.encode()

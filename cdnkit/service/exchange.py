"""What is known of one request while it is answered: id, start, answer begun, facts for the log.

The middlewares create and read it; handlers add facts with `note`. It holds no behaviour of its
own, so that a handler needs nothing else of this package to be logged well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web


@dataclass(slots=True)
class Exchange:
    """One request and its answer, as the access log and the metrics will tell it."""

    request_id: str
    response: web.StreamResponse | None = None
    """The answer whose head was prepared last; None while nothing was sent."""
    body_bytes: int = 0
    """Body bytes handed to the connection so far."""
    status: int = 0
    """Status of the complete answer; 0 while there is none."""
    facts: dict[str, Any] = field(default_factory=dict)

    def count_body(self, size_bytes: int, written_bytes: int = 0) -> None:
        """Called by the response's writer after each piece of the body."""
        self.body_bytes += size_bytes


EXCHANGE: Final = web.RequestKey("exchange", Exchange)


def exchange_of(request: web.BaseRequest) -> Exchange:
    """The record of this request. Raises KeyError outside an application of `build_app`."""
    return request[EXCHANGE]


def request_id_of(request: web.BaseRequest) -> str:
    """The id that this request has in every tier."""
    return request[EXCHANGE].request_id


def note(request: web.BaseRequest, **facts: Any) -> None:
    """Add facts to the access-log record of this request (outcome, key, upstream, ...)."""
    request[EXCHANGE].facts.update(facts)


def note_raw_body(request: web.BaseRequest, size_bytes: int) -> None:
    """Count body bytes sent beside the writer, which would otherwise pass for a short body."""
    request[EXCHANGE].body_bytes += size_bytes

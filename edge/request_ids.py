"""Names of requests, the same in every tier's log: the client's own when it is sane, else ours."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from edge.exchange import Exchange

_LENGTH_MAX = 64


def request_ids() -> Callable[[Exchange | None], bytes]:
    """A maker of ids; its own are a prefix of this process and a count."""
    prefix = secrets.token_hex(6)
    count = 0

    def make(exchange: Exchange | None) -> bytes:
        nonlocal count
        if exchange is not None:
            given = exchange.request.fields.first(b"x-request-id")
            if (
                given is not None
                and len(given) <= _LENGTH_MAX
                and given.replace(b"-", b"").isalnum()
            ):
                return given
        count += 1
        return f"{prefix}-{count:x}".encode()

    return make

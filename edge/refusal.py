"""Answers to heads that the strict parser refused, each written down like any other answer."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from cdnkit.dates import format_http_date
from cdnkit.errors import BadRequestError
from edge.account import Accounts
from edge.http1.request import RefusedError
from edge.respond import problem_answer


class RefusedHeadError(BadRequestError):
    """A head the strict parser refused; the answer carries the status of the refusal."""

    code = "refused"


class Refusals:
    """Makes the whole answer to a refused head; one per worker."""

    def __init__(self, accounts: Accounts, now: Callable[[], float], promise: bytes = b"") -> None:
        self._accounts = accounts
        self._now = now
        self._promise = promise

    def answer(self, refusal: RefusedError, client: str) -> bytes:
        """The answer after which the connection ends."""
        request_id = secrets.token_hex(8).encode()
        text = problem_answer(
            RefusedHeadError(refusal.reason),
            request_id,
            format_http_date(self._now()).encode(),
            b"%bX-Request-Id: %b\r\nConnection: close\r\n" % (self._promise, request_id),
            status=refusal.status,
        )
        self._accounts.refuse(request_id, client, refusal.status, refusal.reason, len(text))
        return text

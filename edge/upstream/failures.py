"""How an upstream can fail, and what is then done: the table that retries and health go by. Pure.

Only requests without content that may be repeated are sent to another upstream after they may have
arrived (RFC 9110 9.2.2); for others the rows hold that say that nothing was sent.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from cdnkit.errors import UpstreamError, UpstreamTimeoutError


class Failure(enum.Enum):
    """What went wrong before a whole answer head was there."""

    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"
    CUT = "cut"
    SILENT = "silent"
    MALFORMED = "malformed"
    BUSY = "busy"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Reaction:
    """`elsewhere`: ask the next upstream, if there is one. `blame`: set this one aside."""

    elsewhere: bool
    blame: bool


REACTIONS: Final[dict[Failure | int, Reaction]] = {
    Failure.UNREACHABLE: Reaction(elsewhere=True, blame=True),
    Failure.UNTRUSTED: Reaction(elsewhere=True, blame=True),
    Failure.CUT: Reaction(elsewhere=True, blame=True),
    Failure.SILENT: Reaction(elsewhere=True, blame=True),
    Failure.MALFORMED: Reaction(elsewhere=True, blame=True),
    # Our own limit: the upstream has done nothing wrong, and another may have room.
    Failure.BUSY: Reaction(elsewhere=True, blame=False),
    Failure.CLOSING: Reaction(elsewhere=False, blame=False),
    # It said by itself that it is overloaded or has lost what is behind it (RFC 9110 15.6.3-5,
    # RFC 6585 4). A 500 is about the request: another upstream would say the same.
    # It would not speak for this (RFC 9110 15.5.20): a peer that is not the owner, or behind.
    421: Reaction(elsewhere=True, blame=False),
    429: Reaction(elsewhere=True, blame=True),
    502: Reaction(elsewhere=True, blame=True),
    503: Reaction(elsewhere=True, blame=True),
    504: Reaction(elsewhere=True, blame=True),
}
"""Rows by failure and by status; any other status is an answer and clears the upstream."""


class FailedError(UpstreamError):
    """An upstream failed before its answer's head was whole."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure


class LateError(FailedError, UpstreamTimeoutError):
    """It did so by taking too long."""


def reaction_to(error: UpstreamError) -> Reaction:
    """What to do after a failed request."""
    failure = error.failure if isinstance(error, FailedError) else Failure.CUT
    return REACTIONS[failure]


def is_worth_another(error: UpstreamError) -> bool:
    """Whether those who waited for the question that failed should have it asked once more.

    Not after a timeout: they have waited long enough, and an upstream that is silent or full is
    helped by fewer questions.
    """
    return not isinstance(error, UpstreamTimeoutError) and reaction_to(error).elsewhere


def is_passing_failure(status: int) -> bool:
    """The same of an answer that says that the upstream failed (RFC 9110 15.6)."""
    return status >= 500 and status != 504


def failed_with(status: int) -> UpstreamError:
    """What to tell those whose answer would be another's failure."""
    detail = f"the upstream answered {status} to others who asked for the same"
    return UpstreamTimeoutError(detail) if status == 504 else UpstreamError(detail)

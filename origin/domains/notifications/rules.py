"""What an account wants to hear how, when a delivery is tried again, and where pushes may go.

Plain functions on records: no request, no SQL, no clock and no chance of its own.
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cdnkit.errors import BadRequestError
from origin.domains.notifications.kinds import KINDS, Channel

BACKOFF_SECONDS_MAX: Final = 6 * 3600.0
REASON_LENGTH_MAX: Final = 300

Wishes = Mapping[tuple[str, Channel], bool]
"""What an account said of a kind and a channel; what is left out is as the kind has it."""


class State(enum.StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended: not at all badly, for now, or for good."""

    error: str = ""
    is_final: bool = False


SENT: Final = Outcome()


@dataclass(frozen=True, slots=True)
class Following:
    """What a delivery is after an attempt. `next_at` counts while it waits."""

    state: State
    next_at: float
    reason: str


@dataclass(frozen=True, slots=True)
class Preference:
    """One kind by one channel, as an account has it."""

    kind: str
    channel: Channel
    wanted: bool
    fixed: bool


class FixedPreferenceError(BadRequestError):
    """Mails about the account's safety cannot be turned off."""

    code = "preference-fixed"


def preferences(wishes: Wishes) -> Sequence[Preference]:
    """All of an account's, in the order of kinds and channels."""
    return [
        Preference(
            name,
            channel,
            wanted=channel in kind.fixed or wishes.get((name, channel), True),
            fixed=channel in kind.fixed,
        )
        for name, kind in KINDS.items()
        for channel in Channel
        if channel in kind.channels
    ]


def check_wish(kind: str, channel: Channel, *, wanted: bool) -> None:
    """Raises BadRequestError for what cannot be wished."""
    known = KINDS.get(kind)
    if known is None or channel not in known.channels:
        raise BadRequestError(f"{kind[:60]!r} is not told by {channel}")
    if not wanted and channel in known.fixed:
        raise FixedPreferenceError(f"{kind!r} keeps an account safe: {channel} stays on")


def wanted_channels(kind: str, wishes: Wishes) -> frozenset[Channel]:
    """How an event of this kind reaches the account; none for a kind that is not told."""
    known = KINDS.get(kind)
    if known is None:
        return frozenset()
    return frozenset(
        channel
        for channel in known.channels
        if channel in known.fixed or wishes.get((kind, channel), True)
    )


def backoff_seconds(attempts: int, first_seconds: float, chance: float) -> float:
    """How long to wait after the `attempts`th failure: doubling, within half of that and all.

    `chance` in [0, 1) spreads deliveries that failed together.
    """
    if attempts < 1:
        raise ValueError(f"there is no failure number {attempts}")
    # A float's exponent ends at 1023.
    full = min(first_seconds * 2.0 ** min(attempts - 1, 60), BACKOFF_SECONDS_MAX)
    return full * (0.5 + chance / 2)


def after_attempt(
    outcome: Outcome,
    attempts: int,
    attempts_max: int,
    first_seconds: float,
    lapses_at: float,
    now: float,
    chance: float,
) -> Following:
    """What becomes of a delivery after its `attempts`th attempt."""
    if not outcome.error:
        return Following(State.SENT, now, "")
    reason = outcome.error[:REASON_LENGTH_MAX]
    next_at = now + backoff_seconds(attempts, first_seconds, chance)
    if outcome.is_final or attempts >= attempts_max or next_at > lapses_at:
        return Following(State.FAILED, now, reason)
    return Following(State.WAITING, next_at, reason)


def check_push_endpoint(endpoint: str, hosts: Iterable[str]) -> None:
    """Raises BadRequestError unless the address belongs to a push service that we talk to.

    We post to what a browser names, so without this list anybody could have us post anywhere.
    """
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadRequestError("the endpoint is no address") from None
    if parts.username is not None or not endpoint.isascii() or not endpoint.isprintable():
        raise BadRequestError("the endpoint is no address of a push service")
    local = _is_loopback(host)
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise BadRequestError("the endpoint of a push service begins with https")
    if not local and port not in (None, 443):
        raise BadRequestError("the endpoint of a push service has no port of its own")
    if not any(_belongs(host, each) for each in hosts):
        raise BadRequestError(f"{host[:100]!r} is no push service that is talked to here")


def _belongs(host: str, listed: str) -> bool:
    """A host is the one listed, or below it when the listed one begins with a dot."""
    return host == listed or (listed.startswith(".") and host.endswith(listed))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

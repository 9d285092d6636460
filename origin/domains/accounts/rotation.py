"""Refresh tokens: how each follows from the one before, and what a presented one means.

A token is `SESSION.COUNTER.SECRET.TAG`. The row of a session keeps the hash of its newest secret
and a seed. The next secret is made of seed and present secret, so that a client whose answer was
lost, or whose second window asks at the same moment, is given the same token again for a moment.
The tag shows that a token is one of ours even when its secret is no longer known: a token from the
past means that two hold the session, and ends it, while an invented one means nothing. Whoever
reads the rows can neither make the present token nor the next.

Pure: rows, chance and time are passed in.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Final

from origin.domains.accounts.records import Session

SECRET_BYTES: Final = 24
"""Random bytes of a session's first secret; 192 bits."""
_TAG_LENGTH: Final = 32
_SHAPE: Final = re.compile(r"([\w-]{1,64})\.(0|[1-9]\d{0,8})\.([0-9a-f]{48})\.([0-9a-f]{32})", re.A)


class Verdict(enum.Enum):
    """What a presented token means for its session."""

    GOOD = "good"
    AGAIN = "again"
    """The one before, a moment ago: the same answer again."""
    REUSED = "reused"
    """From the past: somebody else has gone on with the session."""
    UNKNOWN = "unknown"
    """None of ours, or too old to matter."""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A token taken apart."""

    session: str
    counter: int
    secret: str = field(repr=False)
    tag: str = field(repr=False)


def parse_token(text: str) -> RefreshToken | None:
    """The parts of a token; None for what cannot be one."""
    found = _SHAPE.fullmatch(text)
    return None if found is None else RefreshToken(found[1], int(found[2]), found[3], found[4])


def format_token(session: str, counter: int, secret: str, seed: str) -> str:
    """The token with a secret, signed for its session."""
    return f"{session}.{counter}.{secret}.{_tag(seed, counter, secret)}"


def hash_secret(secret: str) -> str:
    """What a row keeps of a secret. 192 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def next_secret(seed: str, counter: int, secret: str) -> str:
    """The secret after this one."""
    return _keyed(seed, f"next {counter} {secret}")[: SECRET_BYTES * 2]


def judge(session: Session, token: RefreshToken, now: float, grace_seconds: float) -> Verdict:
    """What `token` means for its session, whose row this is."""
    if not hmac.compare_digest(_tag(session.seed, token.counter, token.secret), token.tag):
        return Verdict.UNKNOWN
    if now >= session.expires_at:
        return Verdict.UNKNOWN
    if _is_newest(session, token.counter, token.secret):
        return Verdict.GOOD
    following = next_secret(session.seed, token.counter, token.secret)
    is_fresh = now < session.rotated_at + grace_seconds
    if is_fresh and _is_newest(session, token.counter + 1, following):
        return Verdict.AGAIN
    return Verdict.REUSED


def following_token(session: Session, token: RefreshToken) -> tuple[str, str]:
    """The token to hand out for a good one, and the hash of its secret."""
    secret = next_secret(session.seed, token.counter, token.secret)
    text = format_token(session.id, token.counter + 1, secret, session.seed)
    return text, hash_secret(secret)


def _is_newest(session: Session, counter: int, secret: str) -> bool:
    same = hmac.compare_digest(hash_secret(secret), session.token_hash)
    return counter == session.counter and same


def _tag(seed: str, counter: int, secret: str) -> str:
    return _keyed(seed, f"tag {counter} {secret}")[:_TAG_LENGTH]


def _keyed(seed: str, text: str) -> str:
    return hmac.digest(seed.encode(), text.encode(), "sha256").hex()

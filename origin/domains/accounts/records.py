"""What is known of accounts, profiles, sessions and keys: plain records, one for each kind of row.

Secrets and their hashes are left out of every repr, so that no log line and no traceback holds one.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cdnkit.service.viewers import AGE_ANY, Role


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody whose address is verified. `address` is `email` in the form that is compared."""

    id: str
    address: str
    email: str
    password_hash: str = field(repr=False)
    role: Role
    language: str
    locked: bool
    created_at: float


@dataclass(frozen=True, slots=True)
class Profile:
    """Somebody of the household. `age_max` is in years, `pin_hash` is empty without a PIN."""

    id: str
    account: str
    name: str
    age_max: int = AGE_ANY
    language: str = ""
    avatar: str = ""
    pin_hash: str = field(default="", repr=False)
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Session:
    """A device that is signed in: one family of refresh tokens (`rotation`).

    Access tokens of an older `version` are refused. `seed` and `token_hash` are hexadecimal.
    """

    id: str
    account: str
    device: str
    created_at: float
    seen_at: float
    expires_at: float
    seed: str = field(repr=False)
    token_hash: str = field(repr=False)
    rotated_at: float
    counter: int = 0
    version: int = 0
    profile: str = ""


class Purpose(enum.StrEnum):
    """What a mailed link is good for."""

    VERIFY = "verify"
    MOVE = "move"
    RESET = "reset"
    NOTHING = "nothing"
    """Nobody was sent it: it is written so that no answer takes another time."""


@dataclass(frozen=True, slots=True)
class MailedToken:
    """A link that was sent; only the hash of its token is kept."""

    hash: str = field(repr=False)
    purpose: Purpose
    account: str
    address: str
    detail: Mapping[str, Any] = field(repr=False)
    created_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of access tokens. It signs from `signs_from` until a younger one does."""

    id: str
    secret: bytes = field(repr=False)
    created_at: float
    signs_from: float


@dataclass(frozen=True, slots=True)
class Revocation:
    """Access tokens of a session below `version` are refused; none is good after `until`."""

    number: int
    session: str
    version: int
    until: float

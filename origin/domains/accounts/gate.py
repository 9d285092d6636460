"""Access tokens: signing them, and saying in memory whether one is good now.

Tokens are JWTs (RFC 7519) with HMAC-SHA-256: only origins read them, which share the keys as rows.
What is read here was brought by `following`; no question waits for the database. While the
database is away nobody can be signed out, and tokens are good until they expire by themselves.

Pure but for its own memory: time is passed in.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, Final

import jwt
from cachetools import LRUCache

from cdnkit.errors import UnavailableError
from cdnkit.service.viewers import Role, Viewer
from origin.domains.accounts.records import Account, Profile, Revocation, Session, SigningKey

ALGORITHM: Final = "HS256"
TOKEN_LENGTH_MAX: Final = 2048
REMEMBERED_MAX: Final = 20_000
"""Tokens whose signature is not computed again, about a kilobyte each."""
ENDED: Final = 2**31 - 1
"""The version that no token of a session reaches."""
_UNTIMED: Final[Any] = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
"""The library would ask its own clock."""
_MEMBERS: Final = {
    "sub": str, "sid": str, "role": str, "prf": str, "age": int, "lng": str, "ver": int,
}  # fmt: skip


class Gate:
    """The keys in use and the sessions that ended lately."""

    def __init__(self, access_seconds: float) -> None:
        self._access_seconds = access_seconds
        self._keys: dict[str, SigningKey] = {}
        self._revoked: dict[str, Revocation] = {}
        # To verify a token took 210 us of the 1,156 that a request with one event took, and a
        # session sends the same one for a quarter of an hour.
        self._verified: LRUCache[str, dict[str, Any]] = LRUCache(REMEMBERED_MAX)
        self.last_number = 0
        """The newest revocation that is known here."""

    @property
    def keys(self) -> tuple[SigningKey, ...]:
        """All keys that verify."""
        return tuple(self._keys.values())

    def use_keys(self, keys: Iterable[SigningKey]) -> None:
        """These keys, and no others."""
        named = {key.id: key for key in keys}
        if named != self._keys:
            self._keys = named
            self._verified.clear()

    def revoke(self, revocations: Iterable[Revocation], now: float) -> None:
        """Refuse what these say; forget those whose tokens have expired."""
        for each in revocations:
            known = self._revoked.get(each.session)
            if known is None or known.version < each.version:
                self._revoked[each.session] = each
        self._revoked = {sid: each for sid, each in self._revoked.items() if each.until > now}

    def advance(self, revocations: Iterable[Revocation], now: float) -> None:
        """The same for those that follow the last number without a gap."""
        found = list(revocations)
        self.revoke(found, now)
        self.last_number = max([self.last_number, *(each.number for each in found)])

    def sign(self, account: Account, session: Session, profile: Profile | None, now: float) -> str:
        """An access token for this moment; without a profile, for films without an age limit.

        Raises UnavailableError when there is no key yet.
        """
        key = self._signing_key(now)
        claims: dict[str, Any] = {
            "sub": account.id,
            "sid": session.id,
            "role": account.role.value,
            "prf": "",
            "age": 0,
            "lng": account.language,
            "ver": session.version,
            "iat": int(now),
            "exp": int(now + self._access_seconds),
        }
        if profile is not None:
            language = profile.language or account.language
            claims |= {"prf": profile.id, "age": profile.age_max, "lng": language}
        return jwt.encode(claims, key.secret, ALGORITHM, headers={"kid": key.id})

    def read(self, token: str, now: float) -> Viewer | None:
        """Who holds a token that is good now; None for any other text."""
        claims = self._verified.get(token)
        if claims is None:
            claims = self._claims(token)
            if claims is None:
                return None
            self._verified[token] = claims
        if not claims["exp"] > now:
            return None
        revoked = self._revoked.get(claims["sid"])
        if revoked is not None and claims["ver"] < revoked.version:
            return None
        return Viewer(
            account=claims["sub"],
            session=claims["sid"],
            role=Role(claims["role"]),
            profile=claims["prf"],
            age_max=claims["age"],
            language=claims["lng"],
        )

    def _claims(self, token: str) -> dict[str, Any] | None:
        if len(token) > TOKEN_LENGTH_MAX or token.count(".") != 2:
            return None
        try:
            key = self._keys.get(str(jwt.get_unverified_header(token).get("kid", "")))
            if key is None:
                return None
            claims: dict[str, Any] = jwt.decode(token, key.secret, [ALGORITHM], options=_UNTIMED)
        except (jwt.InvalidTokenError, UnicodeError):
            return None
        is_ours = all(isinstance(claims.get(name), kind) for name, kind in _MEMBERS.items())
        return claims if is_ours and isinstance(claims.get("exp"), int) else None

    def _signing_key(self, now: float) -> SigningKey:
        begun = [key for key in self._keys.values() if key.signs_from <= now]
        if not begun:
            raise UnavailableError("There is no key yet to sign with.")
        return max(begun, key=lambda key: (key.signs_from, key.id))


def is_due(keys: Iterable[SigningKey], now: float, key_seconds: float) -> bool:
    """Whether a new key is to be made."""
    return all(key.created_at + key_seconds <= now for key in keys)


def outlived(keys: Iterable[SigningKey], now: float, access_seconds: float) -> list[str]:
    """Ids of keys whose last token has expired: a younger one has signed for that long."""
    ordered = sorted(keys, key=lambda key: (key.signs_from, key.id))
    return [
        old.id
        for old, young in itertools.pairwise(ordered)
        if young.signs_from + 2 * access_seconds <= now
    ]

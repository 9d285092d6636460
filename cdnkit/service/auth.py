"""Bearer tokens of people and programs that upload or operate: who it is and what it may.

Tokens of programs are listed; those of signed-in people are recognised by whoever gave them out.
Playback tokens are another matter (`cdnkit.tokens`). Every call that passes here, allowed or
refused, leaves its name and scope in the audit facts of its request's log record.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Self, TypeAlias

from aiohttp import web

from cdnkit.errors import ForbiddenError, UnauthorizedError
from cdnkit.service.exchange import note

ADMIN_SCOPE: Final = "admin"
"""Holders of this scope may do everything."""

OPEN_NAME: Final = "loopback"
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


Identify: TypeAlias = Callable[[web.Request], tuple[str, frozenset[str]] | None]
"""Name and scopes of who sends a request; None for somebody unknown."""


@dataclass(frozen=True, slots=True)
class _Grant:
    digest: bytes
    name: str
    scopes: frozenset[str]


class BearerAuth:
    """The tokens of one process: secret -> (name, scopes). Only digests are kept."""

    def __init__(self, tokens: Mapping[str, tuple[str, Collection[str]]]) -> None:
        self._open = False
        self._grants: tuple[_Grant, ...] = ()
        self.adopt(tokens)
        self._people: Identify = _nobody

    def adopt(self, tokens: Mapping[str, tuple[str, Collection[str]]]) -> None:
        """From now on these, and no others. The first token ends that everybody here is let in."""
        self._grants = tuple(
            _Grant(_digest(secret), name, frozenset(scopes))
            for secret, (name, scopes) in tokens.items()
            if secret
        )
        self._open = self._open and not self._grants

    @classmethod
    def open(cls) -> Self:
        """Lets in everyone on this machine, and nobody else: for a stand-alone process."""
        auth = cls({})
        auth._open = True
        return auth

    @property
    def is_open(self) -> bool:
        """True when callers on loopback need no token."""
        return self._open

    def recognise(self, people: Identify) -> None:
        """Also let in whom `people` knows. Who says who it is is judged by that, open or not."""
        self._people = people

    def authorize(self, request: web.Request, scope: str) -> str:
        """The name of the caller, when it holds `scope`.

        Raises UnauthorizedError (no known token) and ForbiddenError (a token without the scope).
        """
        note(request, audit="unknown", scope=scope)
        grant = self._people(request)
        if grant is None and self._open:
            _require_local(request)
            note(request, audit=OPEN_NAME)
            return OPEN_NAME
        grant = grant or self.identify(request.headers.get("Authorization"))
        if grant is None:
            raise UnauthorizedError(f"This needs a bearer token with the scope {scope!r}.")
        name, scopes = grant
        note(request, audit=name)
        if scope not in scopes and ADMIN_SCOPE not in scopes:
            raise ForbiddenError(f"The token of {name!r} lacks the scope {scope!r}.")
        return name

    def identify(self, header: str | None) -> tuple[str, frozenset[str]] | None:
        """Name and scopes behind an Authorization field (RFC 6750 2.1), in constant time."""
        scheme, _, secret = (header or "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        presented = _digest(secret.strip())
        found: _Grant | None = None
        for grant in self._grants:
            # No early exit: the time taken must not tell which token came close.
            if hmac.compare_digest(grant.digest, presented):
                found = grant
        return None if found is None else (found.name, found.scopes)


def _nobody(_request: web.Request) -> None:
    return None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def _require_local(request: web.Request) -> None:
    """Refuse what a page of another site, or another machine, could have sent to loopback."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if not peer or not ip_address(peer[0]).is_loopback:
        raise UnauthorizedError("Without tokens only this machine may do this.")
    host = request.host.rpartition(":")[0] if not request.host.endswith("]") else request.host
    if (host or request.host).lower() not in _LOOPBACK_NAMES:
        raise ForbiddenError("Without tokens this must be addressed to localhost.")
    if "Via" in request.headers or "Forwarded" in request.headers:
        # An edge or a proxy on this machine asks for somebody else.
        raise UnauthorizedError("Without tokens requests are not taken through a proxy.")
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise ForbiddenError("Without tokens pages of other sites may not do this.")

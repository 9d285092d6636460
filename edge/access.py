"""May this viewer have this path: playback tokens, verified once and remembered.

The signature of a token is checked at its first use; its claims (path, time, network) are checked
at every use, which costs no cryptography. An edge does not know in which country a viewer is: that
claim is left to the router, which sends nobody here whom it excludes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from cdnkit.errors import ForbiddenError
from cdnkit.fields import FieldLines, Pair
from cdnkit.tokens import Claims, check_claims
from cdnkit.tokens.verifier import Verifier
from edge.ending import EndingBody
from edge.exchange import Exchange
from edge.http1.request import Request
from edge.routing import Matched

TOKEN_COOKIE: Final = b"cinedge_token"


class TokenMissingError(ForbiddenError):
    """The route asks for a token and the request has none."""

    code = "token-missing"


def split_cookie(pairs: Sequence[Pair]) -> tuple[str | None, list[Pair]]:
    """The token of a request's cookies, and its fields without it: it is for us alone."""
    token: str | None = None
    kept: list[Pair] = []
    for name, value in pairs:
        if name == b"cookie" and TOKEN_COOKIE in value:
            others: list[bytes] = []
            cookies = value.split(b";")
            for cookie in cookies:
                label, equals, text = cookie.partition(b"=")
                if not equals or label.strip() != TOKEN_COOKIE:
                    others.append(cookie.strip())
                elif token is None:
                    token = text.strip().decode("latin-1")
            if not others:
                continue
            if len(others) < len(cookies):
                value = b"; ".join(others)
        kept.append((name, value))
    return token, kept


def take_cookie(request: Request) -> str | None:
    """The token among the request's cookies, which end here when there is one."""
    token, pairs = split_cookie(request.pairs)
    if token is not None:
        request.pairs, request.fields = pairs, FieldLines(pairs)
    return token


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and where: `site` is scheme and authority, as in "https://cdn.example"."""

    client: str
    site: str = ""
    method: str = "GET"


def asked_by(exchange: Exchange) -> Asked:
    """What tokens want to know of a request besides its target.

    The scheme is that of this connection: behind somebody who ends TLS it is http.
    """
    request, connection = exchange.request, exchange.connection
    scheme = "http" if connection.channel is None else "https"
    return Asked(
        connection.peer,
        f"{scheme}://{request.host.decode('latin-1')}",
        request.method.decode("latin-1"),
    )


def end_with(exchange: Exchange, claims: Claims | None, now: Callable[[], float]) -> None:
    """Let the answer end with the token, where the token says so."""
    if claims is not None and claims.ends_streams:
        exchange.bound = partial(EndingBody, ends_at=claims.expires_at, now=now)


class Access:
    """Checks tokens against the keys of the topology."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    def check(
        self, matched: Matched, cookie: str | None, asked: Asked, now: float
    ) -> Claims | None:
        """The claims that allow the request, None when none are asked for.

        A token that is given is checked even where none is needed. Raises TokenError,
        TokenMissingError.
        """
        token = matched.token or cookie
        if token is None or (not self._verifier.has_keys and not matched.rule.needs_token):
            if matched.rule.needs_token:
                raise TokenMissingError("this content needs a playback token")
            return None
        claims = self._verifier.open(token)
        target = matched.target.decode("latin-1")
        check_claims(
            claims,
            target.partition("?")[0],
            now,
            asked.client,
            judges_country=False,
            url=asked.site + target,
            method=asked.method,
        )
        return claims

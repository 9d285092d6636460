"""May this viewer have this path: playback tokens, verified once and remembered.

The signature of a token is checked at its first use; its claims (path, time, network) are checked
at every use, which costs no cryptography.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cachetools import LRUCache

from cdnkit.errors import ForbiddenError
from cdnkit.fields import FieldLines, Pair
from cdnkit.tokens import Claims, check_claims, open_token
from edge.http1.request import Request
from edge.routing import Matched

REMEMBERED_TOKENS: Final = 10_000
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
            for cookie in value.split(b";"):
                label, _, text = cookie.partition(b"=")
                if label.strip() != TOKEN_COOKIE:
                    others.append(cookie.strip())
                elif token is None:
                    token = text.strip().decode("latin-1")
            if not others:
                continue
            value = b"; ".join(others)
        kept.append((name, value))
    return token, kept


def take_cookie(request: Request) -> str | None:
    """The token among the request's cookies, which end here when there is one."""
    token, pairs = split_cookie(request.pairs)
    if token is not None:
        request.pairs, request.fields = pairs, FieldLines(pairs)
    return token


class Access:
    """Checks tokens against the keys of the topology."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = keys
        self._opened: LRUCache[str, Claims] = LRUCache(REMEMBERED_TOKENS)

    def check(self, matched: Matched, cookie: str | None, client: str, now: float) -> Claims | None:
        """The claims that allow the request, None when none are asked for.

        A token that is given is checked even where none is needed. Raises TokenError,
        TokenMissingError.
        """
        token = matched.token or cookie
        if token is None or (not self._keys and not matched.rule.needs_token):
            if matched.rule.needs_token:
                raise TokenMissingError("this content needs a playback token")
            return None
        claims = self._opened.get(token)
        if claims is None:
            claims = open_token(token, self._keys)
            self._opened[token] = claims
        path = matched.target.partition(b"?")[0].decode("latin-1")
        check_claims(claims, path=path, now=now, client_ip=client)
        return claims

"""One door for tokens of every dialect: text in, claims or TokenError out, and remembered.

The dialect shows in a token's shape, never in what it says. Claims are checked by the caller at
each use (`claims.check_claims`); a token is not used up, the same one again is the same viewer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cachetools import LRUCache

from cdnkit.tokens.cat import open_cat
from cdnkit.tokens.claims import Claims, TokenError, TokenFault
from cdnkit.tokens.jwt import open_jwt
from cdnkit.tokens.keys import CAT, DECRYPTS, JWT, NATIVE, Key
from cdnkit.tokens.native import TOKEN_LENGTH_MAX, open_token

REMEMBERED_TOKENS: Final = 10_000


class Verifier:
    """Opens tokens with the keys of a topology. Make another when keys change."""

    def __init__(self, keys: Iterable[Key], remembered: int = REMEMBERED_TOKENS) -> None:
        keys = tuple(keys)
        self.has_keys = bool(keys)
        self._native = {
            key.id: key.material
            for key in keys
            if key.dialect == NATIVE and isinstance(key.material, bytes)
        }
        self._jwt = {k.id: k for k in keys if k.dialect == JWT and k.algorithm not in DECRYPTS}
        self._sealed = {k.id: k for k in keys if k.dialect == JWT and k.algorithm in DECRYPTS}
        self._cat = {key.id: key for key in keys if key.dialect == CAT}
        self._opened: LRUCache[str, Claims] = LRUCache(remembered)

    def open(self, token: str) -> Claims:
        """The claims of a token that one of our keys has signed; they are not checked.

        Raises TokenError.
        """
        claims = self._opened.get(token)
        if claims is None:
            claims = self._open(token)
            if self._opened.maxsize:
                self._opened[token] = claims
        return claims

    def _open(self, token: str) -> Claims:
        if len(token) > TOKEN_LENGTH_MAX:
            raise TokenError(TokenFault.MALFORMED)
        dots = token.count(".")
        if dots == 2:
            return open_jwt(token, self._find_jwt, self._find_sealed)
        if dots == 0 and token:
            return open_cat(token, self._find_cat)
        return open_token(token, self._native)

    def _find_jwt(self, key_id: str | None) -> Key:
        return _find(self._jwt, key_id)

    def _find_sealed(self, key_id: str | None) -> Key:
        return _find(self._sealed, key_id)

    def _find_cat(self, key_id: str | None) -> Key:
        return _find(self._cat, key_id)


def _find(keys: dict[str, Key], key_id: str | None) -> Key:
    """The key of an id; who names none means the only one."""
    if key_id is None and len(keys) == 1:
        return next(iter(keys.values()))
    key = None if key_id is None else keys.get(key_id)
    if key is None:
        raise TokenError(TokenFault.UNKNOWN_KEY)
    return key

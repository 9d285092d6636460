"""URI signing by JSON Web Tokens: the part of RFC 9246 that is kept here.

Read are `exp` (which must be there), `nbf`, `iat`, `iss`, `aud`, `cdniv`, `cdniuc` (as `regex:`
or `hash:`), `cdniip` (encrypted directly) and `cdnicrit`. Refused are single use (`jti`: nobody
here remembers which tokens were used, 2.1.7) and renewal (`cdnistt` and what belongs to it), for
a short token that nobody renews would end a stream. Claims that nobody knows are passed over
unless `cdnicrit` names them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jwt import PyJWS
from jwt.exceptions import InvalidTokenError

from cdnkit.tokens.claims import Claims, TokenError, TokenFault
from cdnkit.tokens.keys import DECRYPTS, Key, decode_base64url
from cdnkit.tokens.uris import Match, Part, Rule, is_bounded

_UNKEPT: Final = ("jti", "cdnistt", "cdniets", "cdnistd")
_KEPT: Final = frozenset(
    {"exp", "nbf", "iat", "iss", "aud", "sub", "cdniv", "cdniuc", "cdniip", "cdnicrit"}
)
_SET_VERSION: Final = 1
_HEADER_MEMBERS: Final = frozenset({"alg", "kid", "typ", "cty"})
_HASHES: Final = {"sha-256": Match.SHA256}
_TIME_MAX: Final = 2**53
_VERIFIER: Final = PyJWS()

FindKey = Callable[[str | None], Key]
"""The key of an id, or the only one there is. Raises TokenError."""


def open_jwt(token: str, find: FindKey, find_decrypting: FindKey) -> Claims:
    """The claims of a token with a good signature. Raises TokenError."""
    header = read_header(token)
    key = find(_kid(header))
    if key.algorithm in DECRYPTS:
        raise TokenError(TokenFault.UNKNOWN_KEY)
    try:
        verified = _VERIFIER.decode_complete(token, key.material, algorithms=[key.algorithm])
    except (InvalidTokenError, ValueError, TypeError):
        raise TokenError(TokenFault.BAD_SIGNATURE) from None
    return _claims(_object(verified["payload"]), key, find_decrypting)


def read_header(token: str) -> Mapping[str, Any]:
    """The protected header of a token or of an encrypted claim. Raises TokenError."""
    try:
        header = _object(decode_base64url(token.partition(".")[0]))
    except ValueError:
        raise TokenError(TokenFault.MALFORMED) from None
    # What a header asks for and nobody here knows would go unheard (RFC 7515 4.1.11).
    if not header.keys() <= _HEADER_MEMBERS | {"enc"} or not isinstance(header.get("alg"), str):
        raise TokenError(TokenFault.UNSUPPORTED)
    return header


def _kid(header: Mapping[str, Any]) -> str | None:
    kid = header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise TokenError(TokenFault.MALFORMED)
    return kid


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise TokenError(TokenFault.MALFORMED) from None
    if not isinstance(value, dict):
        raise TokenError(TokenFault.MALFORMED)
    return value


def _claims(row: Mapping[str, Any], key: Key, find_decrypting: FindKey) -> Claims:
    if any(name in row for name in _UNKEPT) or not set(_critical(row)) <= _KEPT:
        raise TokenError(TokenFault.UNSUPPORTED)
    if row.get("cdniv", _SET_VERSION) != _SET_VERSION:
        raise TokenError(TokenFault.UNSUPPORTED)
    check_parties(key, row.get("iss"), row.get("aud"))
    address = row.get("cdniip")
    return Claims(
        key.id,
        "/",
        read_end(row.get("exp")),
        read_begin(row.get("nbf", 0)),
        networks=() if address is None else (_network(address, find_decrypting),),
        rules=_rules(row.get("cdniuc")),
    )


def _critical(row: Mapping[str, Any]) -> list[str]:
    """The names that `cdnicrit` lists, with commas between (RFC 9246 2.1.9)."""
    text = row.get("cdnicrit", "")
    if not isinstance(text, str):
        raise TokenError(TokenFault.MALFORMED)
    return [name.strip() for name in text.split(",") if name.strip()]


def check_parties(key: Key, issuer: object, audience: object) -> None:
    """Is it from whom the key belongs to, and for us (RFC 7519 4.1.3)? Raises TokenError."""
    named = audience if isinstance(audience, list) else [audience]
    if audience is not None and not any(each in key.audiences for each in named):
        raise TokenError(TokenFault.WRONG_PARTY)
    if key.issuer and issuer != key.issuer:
        raise TokenError(TokenFault.WRONG_PARTY)


def read_end(value: object) -> int:
    """Whole seconds of the moment a token ends at, never later than it says."""
    return math.floor(_moment(value))


def read_begin(value: object) -> int:
    """Whole seconds of the moment a token begins at, never sooner than it says."""
    return math.ceil(_moment(value))


def _moment(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenError(TokenFault.MALFORMED)
    if not 0 <= value <= _TIME_MAX:
        raise TokenError(TokenFault.MALFORMED)
    return value


def _rules(container: object) -> tuple[Rule, ...]:
    """What `cdniuc` says of the URL without the token (RFC 9246 2.1.15)."""
    if container is None:
        return ()
    form, colon, value = container.partition(":") if isinstance(container, str) else ("", "", "")
    if form == "regex" and colon and is_bounded(value):
        return (Rule(Part.WHOLE, Match.REGEX, value),)
    name, semicolon, digest = value.partition(";")
    if form != "hash" or not semicolon or name not in _HASHES:
        raise TokenError(TokenFault.UNSUPPORTED)
    try:
        return (Rule(Part.WHOLE, _HASHES[name], decode_base64url(digest).hex()),)
    except ValueError:
        raise TokenError(TokenFault.MALFORMED) from None


def _network(sealed: object, find: FindKey) -> str:
    """The network in `cdniip`: an encrypted text like [2001:db8::1/32] (RFC 9246 2.1.10)."""
    if not isinstance(sealed, str):
        raise TokenError(TokenFault.MALFORMED)
    text = unseal(sealed, find).removeprefix("[").removesuffix("]")
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        raise TokenError(TokenFault.MALFORMED) from None


def unseal(sealed: str, find: FindKey) -> str:
    """The text of a compact JWE whose key is shared (RFC 7516 7.1, RFC 7518 4.5, 5.3)."""
    pieces = sealed.split(".")
    header = read_header(sealed)
    key = find(_kid(header))
    if len(pieces) != 5 or pieces[1] or not isinstance(key.material, bytes):
        raise TokenError(TokenFault.MALFORMED)
    if header["alg"] != "dir" or header.get("enc") != key.algorithm:
        raise TokenError(TokenFault.UNSUPPORTED)
    try:
        nonce, content, tag = map(decode_base64url, pieces[2:])
        return AESGCM(key.material).decrypt(nonce, content + tag, pieces[0].encode()).decode()
    except (ValueError, InvalidTag):
        raise TokenError(TokenFault.BAD_SIGNATURE) from None

"""Playback tokens of our own dialect: how they are signed, and when they are refused.

A token is `1.KEYID.PAYLOAD.SIGNATURE`, safe in a URL path segment: PAYLOAD is a JSON array in
base64url, SIGNATURE the HMAC-SHA256 of everything before it. Opening (is it ours?) and checking
(does it allow this request, now?) are apart, so that a server may remember opened tokens. Where
keys come from, and where a request carries its token, is left to others.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

from cdnkit.errors import BadRequestError
from cdnkit.tokens.claims import Claims, TokenError, TokenFault, check_claims, read_network

TOKEN_LENGTH_MAX: Final = 2048
KEY_LENGTH_MIN: Final = 16
"""Bytes; a shorter key is treated as absent, so that an empty setting never signs anything."""

_VERSION: Final = "1"
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHAPE: Final = re.compile(r"1\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_PATH: Final = re.compile(r"/[!-~]*")
_SESSION: Final = re.compile(r"[!-~]{0,128}")
_COUNT_MAX: Final = 2**53
_DEFAULTS: Final[list[Any]] = ["", 0, 0, "", "", "", 0, False]


def sign(claims: Claims, keys: Mapping[str, bytes]) -> str:
    """The token for `claims`, signed with the key they name.

    Raises BadRequestError for claims outside their grammar, TokenError when the key is unknown.
    """
    wrong = _wrong_claim(claims)
    if wrong is not None:
        raise BadRequestError(f"The claims of a token are wrong: {wrong}.", claim=wrong)
    key = _key_of(claims.key_id, keys)
    row: list[object] = [
        claims.path_prefix,
        claims.expires_at,
        claims.not_before,
        claims.session,
        claims.client_prefix,
        "".join(claims.countries),
        claims.bytes_per_second,
        claims.ends_streams,
    ]
    while not row[-1]:
        row.pop()
    payload = json.dumps(row, separators=(",", ":")).encode()
    signed = f"{_VERSION}.{claims.key_id}.{_base64url(payload)}"
    token = f"{signed}.{_signature(key, signed)}"
    if len(token) > TOKEN_LENGTH_MAX:
        raise BadRequestError("The claims are too long for a token.", limit=TOKEN_LENGTH_MAX)
    return token


def open_token(token: str, keys: Mapping[str, bytes]) -> Claims:
    """The claims of a token with a good signature; they are not checked against anything.

    Raises TokenError: malformed, unknown-key or bad-signature.
    """
    if len(token) > TOKEN_LENGTH_MAX:
        raise TokenError(TokenFault.MALFORMED)
    shape = _SHAPE.fullmatch(token)
    if shape is None:
        raise TokenError(TokenFault.MALFORMED)
    key_id, payload, signature = shape.groups()
    key = _key_of(key_id, keys)
    # Texts are compared, not the bytes they decode to: two base64 texts can mean the same bytes.
    if not hmac.compare_digest(_signature(key, token[:-44]), signature):
        raise TokenError(TokenFault.BAD_SIGNATURE)
    return _claims(key_id, payload)


def verify(
    token: str,
    *,
    path: str,
    now: float,
    keys: Mapping[str, bytes],
    client_ip: str | None = None,
    country: str | None = None,
) -> Claims:
    """Open a token and check its claims. Raises TokenError."""
    claims = open_token(token, keys)
    check_claims(claims, path, now, client_ip, country)
    return claims


def _key_of(key_id: str, keys: Mapping[str, bytes]) -> bytes:
    key = keys.get(key_id, b"")
    if len(key) < KEY_LENGTH_MIN:
        raise TokenError(TokenFault.UNKNOWN_KEY)
    return key


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _signature(key: bytes, signed: str) -> str:
    return _base64url(hmac.digest(key, signed.encode("ascii"), "sha256"))


def _claims(key_id: str, payload: str) -> Claims:
    """Claims of a payload that a holder of the key has signed, yet perhaps not with this code."""
    try:
        row = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        raise TokenError(TokenFault.MALFORMED) from None
    if not (isinstance(row, list) and 2 <= len(row) <= len(_DEFAULTS)):
        raise TokenError(TokenFault.MALFORMED)
    path, end, begin, session, network, countries, rate, ends = row + _DEFAULTS[len(row) :]
    if not isinstance(countries, str):
        raise TokenError(TokenFault.MALFORMED)
    pairs = tuple(countries[at : at + 2] for at in range(0, len(countries), 2))
    claims = Claims(key_id, path, end, begin, session, network, pairs, rate, ends)
    if _wrong_claim(claims) is not None:
        raise TokenError(TokenFault.MALFORMED)
    return claims


def _wrong_claim(claims: Claims) -> str | None:
    """The first claim outside its grammar, by name."""
    if _KEY_ID.fullmatch(claims.key_id) is None:
        return "key_id"
    if not _is_path(claims.path_prefix):
        return "path_prefix"
    if not _is_count(claims.expires_at):
        return "expires_at"
    if not _is_count(claims.not_before):
        return "not_before"
    if not isinstance(claims.session, str) or _SESSION.fullmatch(claims.session) is None:
        return "session"
    if not _is_network(claims.client_prefix):
        return "client_prefix"
    if not all(_COUNTRY.fullmatch(country) for country in claims.countries):
        return "countries"
    if not _is_count(claims.bytes_per_second):
        return "bytes_per_second"
    if type(claims.ends_streams) is not bool:
        return "ends_streams"
    return "networks, methods or rules" if claims.is_foreign else None


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= _COUNT_MAX


def _is_path(value: object) -> bool:
    return isinstance(value, str) and _PATH.fullmatch(value) is not None


def _is_network(value: object) -> bool:
    return isinstance(value, str) and (value == "" or read_network(value) is not None)

"""Playback tokens: what they claim, how they are signed, and when they are refused.

A token is `1.KEYID.PAYLOAD.SIGNATURE`, safe in a URL path segment: PAYLOAD is a JSON array in
base64url, SIGNATURE the HMAC-SHA256 of everything before it. Opening (is it ours?) and checking
(does it allow this request, now?) are apart, so that a server may remember opened tokens. Where
keys come from, and where a request carries its token, is left to others.
"""

from __future__ import annotations

import enum
import hmac
import ipaddress
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final

from cdnkit.errors import BadRequestError, ForbiddenError

TOKEN_LENGTH_MAX: Final = 2048
KEY_LENGTH_MIN: Final = 16
"""Bytes; a shorter key is treated as absent, so that an empty setting never signs anything."""

_VERSION: Final = "1"
_MARK: Final = "/~"
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHAPE: Final = re.compile(r"1\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_TRICKY: Final = re.compile(r"/\.{1,2}(?:/|\Z)|%2[ef]|%5c|\\", re.IGNORECASE)
_PATH: Final = re.compile(r"/[!-~]*")
_SESSION: Final = re.compile(r"[!-~]{0,128}")
_COUNT_MAX: Final = 2**53
_DEFAULTS: Final[list[object]] = ["", 0, 0, "", "", "", 0]


class TokenFault(enum.Enum):
    """Why a token is refused."""

    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown-key"
    BAD_SIGNATURE = "bad-signature"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    WRONG_PATH = "wrong-path"
    WRONG_CLIENT = "wrong-client"
    WRONG_COUNTRY = "wrong-country"


_DETAILS: Final = {
    TokenFault.MALFORMED: "The token is not one of ours.",
    TokenFault.UNKNOWN_KEY: "The token is signed with a key that is not in use here.",
    TokenFault.BAD_SIGNATURE: "The signature of the token does not fit.",
    TokenFault.EXPIRED: "The token has expired.",
    TokenFault.NOT_YET_VALID: "The token is not valid yet.",
    TokenFault.WRONG_PATH: "The token is for another path.",
    TokenFault.WRONG_CLIENT: "The token is for another network address.",
    TokenFault.WRONG_COUNTRY: "The token is for other countries.",
}


class TokenError(ForbiddenError):
    """A token that does not allow the request; `reason` says why, never what the token was."""

    code: ClassVar[str] = "token-refused"

    def __init__(self, reason: TokenFault) -> None:
        super().__init__(_DETAILS[reason], reason=reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token allows, in [not_before, expires_at).

    `path_prefix` that ends in "/" admits everything below it, any other admits itself only.
    Empty `client_prefix` (a CIDR) and `countries` (ISO 3166, two capital letters) admit anyone;
    `bytes_per_second` of 0 is no limit.
    """

    key_id: str
    path_prefix: str
    expires_at: int
    not_before: int = 0
    session: str = ""
    client_prefix: str = ""
    countries: tuple[str, ...] = ()
    bytes_per_second: int = 0


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


def check_claims(
    claims: Claims,
    path: str,
    now: float,
    client_ip: str | None = None,
    country: str | None = None,
) -> None:
    """Do opened claims allow this path (without query) to this client now? Raises TokenError."""
    if not now < claims.expires_at:
        raise TokenError(TokenFault.EXPIRED)
    if not claims.not_before <= now:
        raise TokenError(TokenFault.NOT_YET_VALID)
    if not _admits_path(claims.path_prefix, path):
        raise TokenError(TokenFault.WRONG_PATH)
    if claims.client_prefix and not _admits_client(claims.client_prefix, client_ip):
        raise TokenError(TokenFault.WRONG_CLIENT)
    if claims.countries and country not in claims.countries:
        raise TokenError(TokenFault.WRONG_COUNTRY)


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


def split_token_path(path: str) -> tuple[str | None, str]:
    """Take the token out of "/~TOKEN/films/a.mp4": ("TOKEN", "/films/a.mp4")."""
    if not path.startswith(_MARK):
        return None, path
    token, slash, rest = path[len(_MARK) :].partition("/")
    return token, slash + rest if slash else "/"


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
    if not (isinstance(row, list) and 2 <= len(row) <= 7):
        raise TokenError(TokenFault.MALFORMED)
    path_prefix, expires_at, not_before, session, client_prefix, countries, rate = (
        row + _DEFAULTS[len(row) :]
    )
    if not isinstance(countries, str):
        raise TokenError(TokenFault.MALFORMED)
    pairs = tuple(countries[at : at + 2] for at in range(0, len(countries), 2))
    claims = Claims(
        key_id, path_prefix, expires_at, not_before, session, client_prefix, pairs, rate
    )
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
    return None if _is_count(claims.bytes_per_second) else "bytes_per_second"


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= _COUNT_MAX


def _is_path(value: object) -> bool:
    return isinstance(value, str) and _PATH.fullmatch(value) is not None


def _is_network(value: object) -> bool:
    return isinstance(value, str) and (value == "" or _network(value) is not None)


def _admits_path(prefix: str, path: str) -> bool:
    if not prefix.endswith("/"):
        return path == prefix
    # What a server behind us may fold away ("..", an escaped slash) could lead out of the prefix.
    return path.startswith(prefix) and _TRICKY.search(path) is None


def _admits_client(client_prefix: str, client_ip: str | None) -> bool:
    network = _network(client_prefix)
    if network is None or client_ip is None:
        return False
    try:
        address = ipaddress.ip_address(client_ip)
    except ValueError:
        return False
    # A dual-stack socket shows IPv4 clients as ::ffff:a.b.c.d (RFC 4291 2.5.5.2).
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address in network


@lru_cache(maxsize=4096)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if "/" not in text:
        return None
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None

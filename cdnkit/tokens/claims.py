"""What a token allows, whatever its dialect, and whether that fits a request.

Signatures are the dialects' part: claims that reach this module are believed.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final

from cdnkit.errors import ForbiddenError
from cdnkit.tokens.uris import Rule, admits_url

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_TRICKY: Final = re.compile(r"/\.{1,2}(?:/|\Z)|%2[ef]|%5c|\\", re.IGNORECASE)


class TokenFault(enum.Enum):
    """Why a token is refused."""

    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown-key"
    BAD_SIGNATURE = "bad-signature"
    UNSUPPORTED = "unsupported-claim"
    WRONG_PARTY = "wrong-party"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    WRONG_PATH = "wrong-path"
    WRONG_METHOD = "wrong-method"
    WRONG_CLIENT = "wrong-client"
    WRONG_COUNTRY = "wrong-country"


_DETAILS: Final = {
    TokenFault.MALFORMED: "The token is not one of ours.",
    TokenFault.UNKNOWN_KEY: "The token is signed with a key that is not in use here.",
    TokenFault.BAD_SIGNATURE: "The signature of the token does not fit.",
    TokenFault.UNSUPPORTED: "The token asks for a limit that cannot be kept here.",
    TokenFault.WRONG_PARTY: "The token is from or for somebody else.",
    TokenFault.EXPIRED: "The token has expired.",
    TokenFault.NOT_YET_VALID: "The token is not valid yet.",
    TokenFault.WRONG_PATH: "The token is for another path.",
    TokenFault.WRONG_METHOD: "The token is for another method.",
    TokenFault.WRONG_CLIENT: "The token is for another network address.",
    TokenFault.WRONG_COUNTRY: "The token is for other countries.",
}


class TokenError(ForbiddenError):
    """A token that does not allow the request; `reason` says why, never what the token was."""

    code: ClassVar[str] = "token-refused"

    def __init__(self, reason: TokenFault) -> None:
        super().__init__(_DETAILS[reason], reason=reason.value)
        self.reason = reason


class WrongCountryError(TokenError):
    """The content may not be shown where the viewer is (RFC 7725)."""

    status: ClassVar[int] = 451
    code: ClassVar[str] = "wrong-country"

    def __init__(self) -> None:
        super().__init__(TokenFault.WRONG_COUNTRY)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token allows, in [not_before, expires_at), in seconds of the epoch.

    `path_prefix` that ends in "/" admits everything below it, any other admits itself only.
    Empty `client_prefix` (a CIDR) and `countries` (ISO 3166, two capital letters) admit anyone;
    `bytes_per_second` of 0 is no limit. With `ends_streams` an answer that is on its way ends
    with the token. Other dialects may also name several `networks`, `methods`, and `rules` for
    the URL, all of which have to fit.
    """

    key_id: str
    path_prefix: str
    expires_at: int
    not_before: int = 0
    session: str = ""
    client_prefix: str = ""
    countries: tuple[str, ...] = ()
    bytes_per_second: int = 0
    ends_streams: bool = False
    networks: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()

    @property
    def is_foreign(self) -> bool:
        """Whether it says what our own dialect has no words for."""
        return bool(self.networks or self.methods or self.rules)


def check_claims(
    claims: Claims,
    path: str,
    now: float,
    client_ip: str | None = None,
    country: str | None = None,
    *,
    judges_country: bool = True,
    url: str | None = None,
    method: str = "GET",
) -> None:
    """Do opened claims allow this path (without query) to this client now? Raises TokenError.

    Who does not know where viewers are says so by `judges_country`; otherwise a viewer whose
    country is unknown is in the wrong one. `url` is the whole URL of the request, without token.
    """
    if not now < claims.expires_at:
        raise TokenError(TokenFault.EXPIRED)
    if not claims.not_before <= now:
        raise TokenError(TokenFault.NOT_YET_VALID)
    if not _admits_path(claims.path_prefix, path):
        raise TokenError(TokenFault.WRONG_PATH)
    if claims.is_foreign:
        _check_foreign(claims, url, method, client_ip)
    if claims.client_prefix and not admits_client(claims.client_prefix, client_ip):
        raise TokenError(TokenFault.WRONG_CLIENT)
    if judges_country and claims.countries and country not in claims.countries:
        raise WrongCountryError


def _check_foreign(claims: Claims, url: str | None, method: str, client_ip: str | None) -> None:
    if claims.rules and (url is None or not admits_url(claims.rules, url)):
        raise TokenError(TokenFault.WRONG_PATH)
    if claims.methods and method not in claims.methods:
        raise TokenError(TokenFault.WRONG_METHOD)
    if claims.networks and not any(admits_client(each, client_ip) for each in claims.networks):
        raise TokenError(TokenFault.WRONG_CLIENT)


def _admits_path(prefix: str, path: str) -> bool:
    if not prefix.endswith("/"):
        return path == prefix
    # What a server behind us may fold away ("..", an escaped slash) could lead out of the prefix.
    return path.startswith(prefix) and _TRICKY.search(path) is None


def admits_client(client_prefix: str, client_ip: str | None) -> bool:
    """Whether an address lies in a network; never for an address that is none."""
    network = read_network(client_prefix)
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
def read_network(text: str) -> IPNetwork | None:
    """The network a CIDR names; None for text that is none, or has bits behind its prefix."""
    if "/" not in text:
        return None
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None

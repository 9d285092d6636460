"""Which address a request came from.

The connection's peer, unless that peer is a trusted proxy: then the right-most hop of `Forwarded`
(RFC 7239) or `X-Forwarded-For` that is not itself a trusted proxy. Whatever stands left of it was
written by somebody we have no reason to believe. Pure; what an address means is `locate`'s part.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from cdnkit.errors import BadRequestError
from geo_router.prefixes import IPAddress, PrefixTable, unmap

TrustedProxies = PrefixTable[bool]

_TOKEN: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PAIR: Final = re.compile(rf'({_TOKEN})=(?:({_TOKEN})|"((?:[^"\\]|\\.)*)")[ \t]*(?=[;,]|$)')
_PORT: Final = re.compile(r":(?:[0-9]{1,5}|_[0-9A-Za-z._-]+)")
_HOPS_MAX: Final = 64


class SaidBy(enum.Enum):
    """Whose word the address is."""

    PEER = "connection"
    FORWARDED = "Forwarded"
    X_FORWARDED_FOR = "X-Forwarded-For"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class Client:
    """The address a decision is made for; none when the peer has none (a Unix socket)."""

    address: IPAddress | None
    said_by: SaidBy


def trust(prefixes: Iterable[str]) -> TrustedProxies:
    """The proxies whose word is believed. Raises BadRequestError for a bad prefix."""
    return PrefixTable(dict.fromkeys(prefixes, True))


@lru_cache(maxsize=65536)
def parse_address(text: str) -> IPAddress | None:
    """An IP address as text, IPv4-mapped ones unwrapped; None for anything else."""
    if "%" in text:
        return None
    try:
        return unmap(ip_address(text))
    except ValueError:
        return None


def require_address(text: str) -> IPAddress:
    """An address that a caller named. Raises BadRequestError."""
    address = parse_address(text)
    if address is None:
        raise BadRequestError(f"{text!r} is no IP address")
    return address


def parse_node(text: str) -> IPAddress | None:
    """A hop: an address with optional port (RFC 7239 6); None for unknown and obfuscated ones."""
    if text.startswith("["):
        inner, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not _PORT.fullmatch(rest)) or ":" not in inner:
            return None
        return parse_address(inner)
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return parse_address(host) if _PORT.fullmatch(f":{port}") else None
    return parse_address(text)


def parse_forwarded(text: str) -> list[str | None]:
    """The `for` of each element, left to right (RFC 7239 4); None where there is none.

    A field that breaks the grammar tells nothing: everything up to the break is unknown, because
    somebody could have put it there to shift the hops of an honest proxy.
    """
    hops: list[str | None] = []
    hop: str | None = None
    named = False
    position = 0
    while position < len(text):
        if text[position] in " \t":
            position += 1
            continue
        if text[position] in ",;":
            if text[position] == "," and named:
                hops.append(hop)
                hop, named = None, False
            position += 1
            continue
        pair = _PAIR.match(text, position)
        if pair is None:
            return [None]
        named = True
        if pair[1].lower() == "for":
            if hop is not None:
                return [None]
            hop = pair[2] if pair[2] is not None else re.sub(r"\\(.)", r"\1", pair[3])
        position = pair.end()
    if named:
        hops.append(hop)
    return hops


def parse_x_forwarded_for(text: str) -> list[str | None]:
    """The hops of the older field, left to right."""
    return [hop or None for hop in (part.strip(" \t") for part in text.split(","))]


def resolve(
    peer: str | None,
    forwarded: Sequence[str],
    x_forwarded_for: Sequence[str],
    trusted: TrustedProxies,
) -> Client:
    """The client behind a connection, given the field lines it sent and the proxies we trust."""
    address = parse_address(peer) if peer else None
    if address is None or not trusted or trusted.find(address) is None:
        return Client(address, SaidBy.PEER)
    claims: list[Client] = []
    if forwarded:
        hops = parse_forwarded(", ".join(forwarded))
        claims.append(Client(_innermost(address, hops, trusted), SaidBy.FORWARDED))
    if x_forwarded_for:
        hops = parse_x_forwarded_for(", ".join(x_forwarded_for))
        claims.append(Client(_innermost(address, hops, trusted), SaidBy.X_FORWARDED_FOR))
    # A proxy maintains one of the two fields and passes the other through as the client wrote it;
    # where they differ we cannot know which, so neither is believed.
    if not claims or len({claim.address for claim in claims}) > 1:
        return Client(address, SaidBy.PEER)
    return claims[0]


def _innermost(peer: IPAddress, hops: Iterable[str | None], trusted: TrustedProxies) -> IPAddress:
    nearest = peer
    for hop in list(hops)[: -_HOPS_MAX - 1 : -1]:
        address = parse_node(hop) if hop else None
        if address is None:
            break
        nearest = address
        if trusted.find(address) is None:
            break
    return nearest

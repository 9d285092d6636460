"""The token of a playback: what was decided, for routers and edges to check by themselves."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from cdnkit.tokens.claims import Claims
from cdnkit.tokens.native import sign
from origin.domains.playback.rules import Grant


def mint(
    keys: Mapping[str, bytes],
    session: str,
    grant: Grant,
    path_prefix: str,
    ends_at: int,
    network: str,
) -> str:
    """The token of a session, signed with the first of `keys`; empty without one.

    `network` is a CIDR that the viewer has to stay in, or empty.
    """
    if not keys:
        return ""
    claims = Claims(
        key_id=next(iter(keys)),
        path_prefix=path_prefix,
        expires_at=ends_at,
        session=session,
        client_prefix=network,
        countries=grant.territories,
        ends_streams=grant.ends_streams,
    )
    return sign(claims, keys)


def network_of(address: str | None) -> str:
    """The network a viewer stays in: the IPv4 address itself, the /64 of an IPv6 one."""
    if not address:
        return ""
    parsed = ipaddress.ip_address(address)
    length = 32 if parsed.version == 4 else 64
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))

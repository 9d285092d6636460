"""Whether a Host field, or the authority of an absolute request target, can be one at all.

Decides on the grammar only (RFC 9110 7.2, RFC 3986 3.2.2): which names we serve is not asked here.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Final

_NAME: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+"
_AUTHORITY: Final = re.compile(
    rf"(?:(?P<name>{_NAME})|\[(?P<ipv6>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{{0,5}}))?", re.ASCII
)
_ABSOLUTE: Final = re.compile(r"https?://([^/?#]*)", re.IGNORECASE | re.ASCII)


def is_valid_authority(text: str) -> bool:
    """True for `uri-host [":" port]` (RFC 9110 7.2); user information is refused (4.2.4)."""
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        return False
    port = match["port"]
    if port and int(port) > 65535:
        return False
    ipv6 = match["ipv6"]
    if ipv6 is None:
        return True
    try:
        IPv6Address(ipv6)
    except AddressValueError:
        return False
    return True


def is_valid_target(target: str) -> bool:
    """True for origin form, `*`, and absolute http form with a sound authority (RFC 9112 3.2).

    A fragment is the user agent's own business and no part of any form (RFC 9110 7.1).
    """
    if "#" in target:
        return False
    if target.startswith("/") or target == "*":
        return True
    match = _ABSOLUTE.match(target)
    return match is not None and is_valid_authority(match[1])

"""Which header blocks change nothing about a redirect (RFC 9112 5).

A block passes when every line is well formed, every field is one of a known harmless few, none
comes twice, and the host is one. Whatever else there is, somebody else has to look at. Pure.
"""

from __future__ import annotations

import re
from typing import Final

from cdnkit.service.authority import is_valid_authority
from geo_router.answers import prefers_json

_LINE: Final = re.compile(r"([A-Za-z0-9-]+):[ \t]*([\x20-\x7e]*?)[ \t]*")
_HARMLESS: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "cmcd-object",
        "cmcd-request",
        "cmcd-session",
        "cmcd-status",
        "connection",
        "cookie",
        "dnt",
        "host",
        "icy-metadata",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "origin",
        "pragma",
        "priority",
        "range",
        "referer",
        "save-data",
        "sec-ch-ua",
        "sec-ch-ua-mobile",
        "sec-ch-ua-platform",
        "sec-fetch-dest",
        "sec-fetch-mode",
        "sec-fetch-site",
        "sec-fetch-user",
        "sec-gpc",
        "upgrade-insecure-requests",
        "user-agent",
        "x-playback-session-id",
    }
)


def is_plain(block: bytes) -> bool:
    """Whether a header block, with the empty line at its end, is one that changes nothing."""
    if not block.endswith(b"\r\n\r\n") or not block.isascii():
        return False
    fields: dict[str, str] = {}
    for line in block[:-4].decode("ascii").split("\r\n"):
        match = _LINE.fullmatch(line)
        if match is None:
            return False
        name = match[1].lower()
        if name not in _HARMLESS or name in fields:
            return False
        fields[name] = match[2]
    if not is_valid_authority(fields.get("host", "")):
        return False
    if fields.get("connection", "keep-alive").lower() != "keep-alive":
        return False
    return not prefers_json(fields.get("accept", ""))

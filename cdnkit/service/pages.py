"""Header fields for answers that browsers read: pages of ours, and JSON read by pages of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cdnkit.wire import EXPOSED_HEADERS

_CORS_MAX_AGE_SECONDS: Final = 86_400


def page_headers(
    *,
    media: Sequence[str] = (),
    connect: Sequence[str] = (),
    script: Sequence[str] = (),
    frame: Sequence[str] = (),
) -> dict[str, str]:
    """Fields for an HTML page whose scripts and styles are files of the same origin.

    `media`, `connect`, `script` and `frame` name what else the page may play, fetch, run and
    enclose (CSP 3, 2.3.1).
    """
    policy = "; ".join(
        (
            "default-src 'self'",
            *([" ".join(("script-src 'self'", *script))] if script else []),
            *([" ".join(("frame-src", *frame))] if frame else []),
            " ".join(("media-src 'self' blob:", *media)),
            " ".join(("connect-src 'self'", *connect)),
            "img-src 'self' data:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def cors_headers() -> dict[str, str]:
    """Fields that let any page read this answer, without credentials (Fetch 3.2.3)."""
    return {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": ", ".join(EXPOSED_HEADERS),
    }


def preflight_headers(
    request_fields: Mapping[str, str], methods: Sequence[str] = ("GET", "HEAD")
) -> dict[str, str]:
    """Fields of the 204 that answers an OPTIONS preflight (Fetch 4.8) for reads."""
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Max-Age": str(_CORS_MAX_AGE_SECONDS),
        "Vary": "Access-Control-Request-Headers",
    }
    asked = request_fields.get("Access-Control-Request-Headers")
    if asked:
        headers["Access-Control-Allow-Headers"] = asked
    return headers

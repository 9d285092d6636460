"""From what an operator says of caching to the policy that decisions are made under. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from cdnkit.freshness import CDN, RFC, CachePolicy
from config.caching import Caching

PROFILES: Final = {"cdn": CDN, "rfc": RFC}


def policy_from(caching: Caching) -> CachePolicy:
    """The profile's policy with the choices that depart from it."""
    choices = {
        "store_set_cookie": caching.store_set_cookie,
        "honour_request_directives": caching.honour_request_directives,
        "stale_when_origin_fails": caching.stale_when_origin_fails,
        "unknown_transfer_codings": caching.unknown_transfer_codings,
    }
    made: dict[str, Any] = {name: choice for name, choice in choices.items() if choice is not None}
    return replace(PROFILES[caching.profile], **made)

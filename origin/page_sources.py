"""Which other places the site's page may play from, talk to, and load: all that its policy allows.

Besides its own origin: router and edges, and where something is sold, what takes cards. Nothing of
a card comes to us, so that script is Stripe's and runs in the page; it is allowed by its address,
the rest of Stripe by origin (https://docs.stripe.com/security/guide#content-security-policy).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from config.topology import Topology

_ANYWHERE: Final = ("http:", "https:")
_STRIPE_SCRIPTS: Final = "https://js.stripe.com"
_STRIPE_API: Final = "https://api.stripe.com"
_STRIPE_FRAMES: Final = (_STRIPE_SCRIPTS, "https://*.js.stripe.com", "https://hooks.stripe.com")


@dataclass(frozen=True, slots=True)
class Sources:
    """What a page may play, fetch, run and enclose besides what its own origin has."""

    media: Sequence[str] = ()
    connect: Sequence[str] = ()
    script: Sequence[str] = ()
    frame: Sequence[str] = ()


def allowed_sources(router_url: str, topology: Topology) -> Sources:
    """All that a topology asks for."""
    origins = allowed_origins(router_url, topology)
    payments = topology.service.payments if topology.service else None
    if payments is None:
        return Sources(origins, origins)
    cards = card_sources(payments.script_url)
    return Sources(origins, (*origins, *cards.connect), cards.script, cards.frame)


def allowed_origins(router_url: str, topology: Topology) -> tuple[str, ...]:
    """The origins the page may fetch and play from besides its own.

    Without edges in the topology, a router of its own knows them and the page cannot.
    """
    if not router_url:
        return ()
    if not topology.edges:
        return _ANYWHERE
    urls = [router_url]
    urls += [router.url or f"http://{router.listen}" for router in topology.routers]
    urls += [edge.url or f"http://{edge.listen}" for edge in topology.open_edges()]
    return tuple(sorted({_origin_of(url) for url in urls}))


def card_sources(script_url: str) -> Sources:
    """What taking cards needs; a script that is not Stripe's own talks to where it comes from."""
    origin = _origin_of(script_url)
    is_stripes = origin == _STRIPE_SCRIPTS
    return Sources(
        connect=(_STRIPE_API if is_stripes else origin,),
        script=(_as_source(script_url),),
        frame=_STRIPE_FRAMES if is_stripes else (origin,),
    )


def _as_source(url: str) -> str:
    """A policy divides its parts by these two (CSP 3, 2.3.1)."""
    return url.replace(";", "%3B").replace(",", "%2C")


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

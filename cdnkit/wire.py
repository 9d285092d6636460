"""Names the tiers agree on: paths, header fields, outcome words. No behaviour.

A name here is a promise to another process; change one and every tier changes with it
(docs/wire.md says what each means).
"""

from __future__ import annotations

import enum
from typing import Final

# Paths of the origin.
CONTENT_PREFIX: Final = "/v1/content/"
TITLES_PATH: Final = "/v1/titles"
CHANGES_PATH: Final = "/v1/changes"
UPLOADS_PATH: Final = "/v1/uploads"
RECEIPTS_PATH: Final = "/v1/receipts"
PURGE_PATH: Final = "/v1/purge"
PURGES_PATH: Final = "/v1/purges"
WARM_PATH: Final = "/v1/warm"
WARMS_PATH: Final = "/v1/warms"
PIN_PATH: Final = "/v1/pin"
TRAFFIC_PATH: Final = "/v1/traffic"
COSTS_PATH: Final = "/v1/costs"
UNPIN_PATH: Final = "/v1/unpin"
PINS_PATH: Final = "/v1/pins"

# Paths of the router.
ROUTE_PATH: Final = "/v1/route"
EXPLAIN_PATH: Final = "/v1/explain"
FLEET_PATH: Final = "/v1/fleet"

BASE_PATHWAY: Final = "base"
"""Pathway or service location of a playlist by relative URLs: whoever served the playlist."""

ROUTED_PATHWAY: Final = "router"
"""Service location of an MPD by way of the router, which sends each request to an edge."""

# Paths of an edge's admin address.
DRAIN_PATH: Final = "/v1/drain"
PLAYERS_PATH: Final = "/v1/players"
DISKS_PATH: Final = "/v1/disks"

# Paths of every tier.
LIVE_PATH: Final = "/livez"
READY_PATH: Final = "/readyz"
METRICS_PATH: Final = "/metrics"
OPENAPI_PATH: Final = "/openapi.json"
DOCS_PATH: Final = "/docs"

RESERVED_FIRST_SEGMENTS: Final = frozenset(
    {"v1", "livez", "readyz", "startupz", "metrics", "operate", "docs", "openapi.json", "web"}
)
"""No object key begins with one of these: routers and origins answer them themselves."""

# Header fields beyond the HTTP core.
REQUEST_ID_HEADER: Final = "X-Request-Id"
CACHE_STATUS_HEADER: Final = "Cache-Status"
CDN_LOOP_HEADER: Final = "CDN-Loop"
CDN_CACHE_CONTROL_HEADER: Final = "CDN-Cache-Control"
GENERATION_HEADER: Final = "Cinedge-Generation"

PROBLEM_CONTENT_TYPE: Final = "application/problem+json"

EXPOSED_HEADERS: Final = (
    "Content-Range",
    "Content-Length",
    "ETag",
    "Cache-Status",
    "CMSD-Dynamic",
    "X-Request-Id",
)
"""What a page of another origin may read (Access-Control-Expose-Headers)."""

CDN_NAME: Final = "cinedge"
"""Our pseudonym in Via and CDN-Loop (RFC 9110 7.6.3, RFC 8586 2)."""


class Outcome(enum.Enum):
    """How the edge answered; the same word in Cache-Status, log and metrics."""

    HIT = "hit"
    MISS = "miss"
    PARTIAL = "partial"
    STALE = "stale"
    REVALIDATED = "revalidated"
    PASS = "pass"
    ERROR = "error"
    OWN = "own"
    """Nobody's content: health, OPTIONS, preflights. In no share of hits."""


class MissClass(enum.Enum):
    """Why the bytes were not at hand; `detail` of Cache-Status (RFC 9211 2.8)."""

    COLD = "cold"
    """Nothing of it was ever here, as far as is remembered."""
    EVICTED = "evicted"
    """It was here and had to make room."""
    EXPIRED = "expired"
    """It is here and its lifetime is over, or the upstream has another version."""
    PURGED = "purged"
    """An order, a change at the origin or an unsafe method took it out."""
    HEALTH = "health"
    """An upstream failed: an error, a stale answer, or another upstream's bytes came of it."""
    ADMISSION = "admission"
    """It was fetched before and the policy did not let it in."""
    READAHEAD_LATE = "readahead-late"
    """It was being fetched ahead of the reader, who was faster."""


class ChangeKind(enum.Enum):
    """What an entry of the origin's journal tells its followers."""

    PUBLISH = "publish"
    DELETE = "delete"
    PURGE = "purge"
    WARM = "warm"
    PIN = "pin"
    UNPIN = "unpin"
    RESTORED = "restored"


class ReceiptState(enum.Enum):
    """What an edge says of an order it found in the journal."""

    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


class Traffic(enum.Enum):
    """Which bytes of a title an edge counts, for what the title costs."""

    EDGE = "edge"
    """Sent to viewers, heads included."""
    SHIELD = "shield"
    """Sent to other edges, by a shield or a peer, heads included."""
    ORIGIN = "origin"
    """Content that came from an origin, stored or passed on."""
    FILL_MISS = "fill-miss"
    """Content received into blocks because a viewer asked, or was about to."""
    FILL_WARM = "fill-warm"
    """The same by an order to warm."""
    FILL_PLACEMENT = "fill-placement"
    """The same by an order that has hours: a film placed by expected demand."""

"""Records of what an origin keeps: films on an object store, ready to play, and what they cost.

Parts of `config.topology`.
"""

# `setting` only describes a field, as dataclasses.field does.
# ruff: noqa: RUF009

from __future__ import annotations

from dataclasses import dataclass

from config.declare import setting


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """A bucket that speaks S3, in which an origin keeps extents instead of on volumes."""

    endpoint: str = setting("Where the S3 service answers.", unit="url")
    bucket: str = setting("Bucket that holds the extents; it has to exist.", unit="name")
    access_key_id: str = setting("Name of the key that signs requests.")
    secret: str = setting("The key itself; better given by secret_env.", "", secret=True)
    secret_env: str = setting("Environment variable that holds the key.", "")
    prefix: str = setting("What every object's name in the bucket begins with.", "extents")
    region: str = setting("Region that requests are signed for.", "us-east-1")
    connect_timeout_seconds: float = setting(
        "Longest time to reach the service.", 3.0, unit="seconds", minimum=0.1
    )
    request_timeout_seconds: float = setting(
        "Longest time of one request: a piece read or a part written.",
        30.0,
        unit="seconds",
        minimum=1,
    )
    retries_max: int = setting("How often a request that failed is repeated.", 3, minimum=0)


@dataclass(frozen=True, slots=True)
class PackagingSettings:
    """How an origin makes films ready to play."""

    automatic: bool = setting(
        "Package the media of every title that is saved; otherwise only when asked to.", False
    )
    jobs_max: int = setting("Films packaged at the same time.", 1, minimum=1, maximum=64)
    segment_seconds: float = setting(
        "Shortest segment; each begins at a picture that stands alone.",
        4.0,
        unit="seconds",
        minimum=1,
        maximum=30,
    )
    ladder: tuple[str, ...] = setting(
        "Smaller renditions to encode, besides the film itself.",
        (),
        choices=("240p", "360p", "480p", "720p", "1080p"),
    )
    pictures: bool = setting("Make a poster and a storyboard.", True)
    steering: bool = setting(
        "Let playlists name router_url, if there is one, as the content steering server.", True
    )
    placed_edges: int = setting(
        "Edges that must hold the first blocks of a package before viewers get it.", 0, minimum=0
    )
    replaced_seconds: float = setting(
        "How long a replaced package stays for those who are watching it.",
        6 * 3600.0,
        unit="seconds",
        minimum=0,
    )


@dataclass(frozen=True, slots=True)
class Prices:
    """What 10^12 bytes cost, by where they go."""

    edge_terabyte: float = setting("Sent to viewers.", 0.0, minimum=0)
    shield_terabyte: float = setting("Sent by shields and peers to other edges.", 0.0, minimum=0)
    origin_terabyte: float = setting("Sent by origins to edges of this place.", 0.0, minimum=0)
    fill_terabyte: float = setting(
        "Received into blocks, whatever for; 0 where taking in costs nothing.", 0.0, minimum=0
    )


@dataclass(frozen=True, slots=True)
class Costs:
    """What is kept of the bytes of titles, and at which prices."""

    currency: str = setting("Shown beside every cost.", "EUR", unit="name")
    days_kept: int = setting(
        "Days of which bytes are kept; older ones are deleted.", 400, minimum=1, maximum=36_500
    )
    report_seconds: float = setting(
        "How often each worker of an edge reports; one that dies loses what it counted since.",
        10.0,
        unit="seconds",
        minimum=1,
        maximum=3600,
    )
    traffic_prices: Prices = setting(
        "Prices of every site that has none of its own.", default_factory=Prices
    )

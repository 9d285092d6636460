"""Frozen records of a topology: who exists, where, and with which settings.

Every tier takes its own record (`OriginNode`, `EdgeNode`, `RouterNode`) plus the shared parts it
needs; a reload builds a new `Topology`, checks it whole and swaps one reference. Cross-checks
between records live in `config.check`, reading in `config.load`.
"""

# `setting` only describes a field, as dataclasses.field does.
# ruff: noqa: RUF009

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from config.caching import Caching, UpstreamTls
from config.caching import Tls as Tls
from config.declare import RESTART, setting
from config.filling import Eviction, Fill
from config.judging import RouterSettings as RouterSettings
from config.keeping import Costs, ObjectStore, PackagingSettings, Prices
from config.locating import Dns as Dns
from config.locating import Geo as Geo
from config.pacing import Pacing
from config.service import Service
from config.token_keys import TokenKey
from config.tracing import Tracing

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Address:
    """Where a process listens."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Site:
    """A place with edges."""

    name: str = setting("Unique name of the site.", unit="name")
    latitude: float = setting("Where it is.", unit="degrees", minimum=-90, maximum=90)
    longitude: float = setting("Where it is.", unit="degrees", minimum=-180, maximum=180)
    region: str = setting("Free label that groups sites in reports.", "")
    fallback: tuple[str, ...] = setting(
        "Sites to try, in order, when this one cannot take a viewer; the nearest others follow.", ()
    )
    countries: tuple[str, ...] = setting(
        "Countries (two letters) whose viewers may be served from here; empty: all.", ()
    )
    peers: bool = setting(
        "Each object has one edge of the site that asks upstream for it; the others ask that one.",
        False,
    )
    shields: tuple[str, ...] = setting(
        "Edges with the role shield that edges of this site ask before an origin, in order.", ()
    )
    traffic_prices: Prices | None = setting(
        "What bytes cost here; left out: as costs says. Replaces those prices whole.", None
    )


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token for people and programs that administer or upload."""

    name: str = setting("Who holds it; written to the audit log.")
    scopes: tuple[str, ...] = setting(
        "What it allows.", ("upload",), choices=("upload", "purge", "operate", "edge", "admin")
    )
    secret: str = setting("The token; better given by secret_env.", "", secret=True)
    secret_env: str = setting("Environment variable that holds the token.", "")


@dataclass(frozen=True, slots=True)
class Volume:
    """A directory (one disk) on which an origin keeps extents."""

    name: str = setting(
        "Unique name; placement depends on it, so a renamed volume is a new one.",
        unit="name",
        applies=RESTART,
    )
    path: str = setting("Directory of the volume.", unit="path", applies=RESTART)
    weight: float = setting(
        "Share of extents relative to other volumes.", 1.0, minimum=0, applies=RESTART
    )
    domain: str = setting(
        "Failure domain (disk shelf, host, room): copies of an extent avoid sharing one.",
        "",
        applies=RESTART,
    )
    size_bytes: int = setting(
        "Most bytes to keep on it; 0 means what the file system has.",
        0,
        unit="bytes",
        minimum=0,
        applies=RESTART,
    )
    reserve_bytes: int = setting(
        "Free space to leave on the file system.",
        64 * MIB,
        unit="bytes",
        minimum=0,
        applies=RESTART,
    )


@dataclass(frozen=True, slots=True)
class OriginNode:
    """One origin process."""

    name: str = setting("Unique name of the process.", unit="name")
    listen: Address = setting(
        "Where it listens.", unit="address", example="127.0.0.1:8000", applies=RESTART
    )
    data: str = setting(
        "Directory for the catalog and, when no volume is listed, one volume.",
        unit="path",
        applies=RESTART,
    )
    url: str = setting(
        "How others reach it; made from listen when empty.", "", unit="url", applies=RESTART
    )
    database: str = setting(
        "SQLAlchemy URL of the catalog; SQLite under data when empty. With a password in it, "
        "better given by database_env.",
        "",
        secret=True,
        applies=RESTART,
    )
    database_env: str = setting(
        "Environment variable that holds the URL of the catalog.", "", applies=RESTART
    )
    volumes: tuple[Volume, ...] = setting("Disks that hold the extents.", ())
    object_store: ObjectStore | None = setting(
        "S3 service that holds the extents, which several origins may share; volumes are then "
        "not used.",
        None,
        applies=RESTART,
    )
    copies: int = setting(
        "Copies of each extent, on different volumes.", 1, minimum=1, maximum=8, applies=RESTART
    )
    extent_bytes: int = setting(
        "Piece of an object that is placed as a whole.",
        64 * MIB,
        unit="bytes",
        minimum=64 * KIB,
        maximum=4 * GIB,
        applies=RESTART,
    )
    scrub_bytes_per_second: int = setting(
        "How fast the background scrub reads the volumes; 0 turns it off.",
        16 * MIB,
        unit="bytes",
        minimum=0,
        applies=RESTART,
    )
    scrub_interval_seconds: float = setting(
        "Time from the beginning of one scrub to that of the next.",
        14 * 86400.0,
        unit="seconds",
        minimum=60,
        applies=RESTART,
    )
    object_bytes_max: int = setting(
        "Largest object taken in.", 256 * GIB, unit="bytes", minimum=1, applies=RESTART
    )
    max_age_seconds: int = setting(
        "Cache-Control max-age on films: how long an edge may trust an object without asking, "
        "beyond what the change feed tells it.",
        3600,
        unit="seconds",
        minimum=0,
    )
    access_log: str = setting(
        "File for the JSON-lines access log; '-' is standard output.",
        "",
        unit="log",
        applies=RESTART,
    )
    router_url: str = setting("Router that the player page asks; empty: play here.", "", unit="url")
    hls_js: str = setting(
        "File dist/hls.mjs of npm's hls.js; empty: browsers play by themselves.",
        "",
        unit="path",
        applies=RESTART,
    )
    packaging: PackagingSettings = setting(
        "How films are made ready to play.", default_factory=PackagingSettings, applies=RESTART
    )
    tls: Tls | None = setting(
        "It is reached with TLS (https), reads from disk volumes then take the longer way; without "
        "it in plain HTTP.",
        None,
        applies=RESTART,
    )


@dataclass(frozen=True, slots=True)
class CacheDisk:
    """A directory in which an edge keeps blocks."""

    path: str = setting("Directory of the cache.", unit="path", applies=RESTART)
    size_bytes: int = setting(
        "Most bytes of blocks to keep there.",
        10 * GIB,
        unit="bytes",
        minimum=16 * MIB,
        applies=RESTART,
    )
    eviction: Eviction | None = setting(
        "What is kept there when not all can be; left out: as the edge's settings say.",
        None,
        applies=RESTART,
    )


@dataclass(frozen=True, slots=True)
class Route:
    """Which upstream answers for a path prefix; the longest prefix wins."""

    prefix: str = setting("Path prefix as viewers ask for it.", "/", example="/films/")
    upstream: tuple[str, ...] = setting(
        "Base URLs, tried in order; the prefix is replaced by the path of the URL. Empty: the "
        "origins of this topology.",
        (),
        unit="url",
    )
    token: bool = setting("Refuse requests without a valid playback token.", False)
    tiers: bool = setting(
        "Ask site peers and shields also where upstream names others than our origins.", False
    )
    caching: Caching | None = setting(
        "What is stored and reused under this prefix; left out: as the edge's settings say.", None
    )
    pacing: Pacing | None = setting(
        "How fast answers leave after a burst; left out: as fast as they can.", None
    )
    upstream_tls: UpstreamTls = setting(
        "How upstreams with https URLs prove who they are.", default_factory=UpstreamTls
    )


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """How edges behave; one set for all edges of a topology, overridable per edge."""

    block_bytes: int = setting(
        "Piece of an object that is cached as a whole; a power of two.",
        MIB,
        unit="bytes",
        minimum=64 * KIB,
        maximum=16 * MIB,
        applies=RESTART,
    )
    read_ahead_blocks: int = setting(
        "Most blocks fetched ahead of a sequential reader; as many as it asks for at a time, and "
        "more when they come too late.",
        4,
        minimum=0,
        maximum=64,
    )
    head_timeout_seconds: float = setting(
        "Longest time for a request head to arrive.", 15.0, unit="seconds", minimum=0.1
    )
    idle_timeout_seconds: float = setting(
        "How long an unused connection is kept.", 75.0, unit="seconds", minimum=1
    )
    write_timeout_seconds: float = setting(
        "Longest time in which a reader takes not one byte.", 60.0, unit="seconds", minimum=1
    )
    connections_max: int = setting("Client connections per worker.", 60_000, minimum=16)
    connect_timeout_seconds: float = setting(
        "Longest time to reach an upstream.", 5.0, unit="seconds", minimum=0.1
    )
    tls_timeout_seconds: float = setting(
        "Longest time for the TLS handshake with an upstream.", 5.0, unit="seconds", minimum=0.1
    )
    first_byte_timeout_seconds: float = setting(
        "Longest time from a request to the first byte of an upstream's answer, and from there to "
        "the end of the answer's head.",
        20.0,
        unit="seconds",
        minimum=0.1,
    )
    read_timeout_seconds: float = setting(
        "Longest silence of an upstream inside an answer.", 20.0, unit="seconds", minimum=0.1
    )
    scrub_bytes_per_second: int = setting(
        "How fast held blocks are read again to find what a disk has spoilt, per worker; 0: never.",
        4 * MIB,
        unit="bytes",
        minimum=0,
        applies=RESTART,
    )
    upstream_connections_max: int = setting(
        "Connections to one upstream, per worker.", 64, minimum=1
    )
    caching: Caching = setting(
        "What is stored and reused, on routes that do not say; an edge's own replaces that of "
        "edge_settings whole.",
        default_factory=Caching,
    )
    eviction: Eviction = setting(
        "What is kept when not all can be, on disks that do not say.",
        default_factory=Eviction,
        applies=RESTART,
    )
    fill: Fill = setting(
        "What is placed there by expected demand; an edge's own replaces that of edge_settings "
        "whole.",
        default_factory=Fill,
    )
    congestion_control: str = setting(
        "TCP congestion control of client connections, e.g. reno, cubic, bbr; empty: the system's.",
        "",
        applies=RESTART,
    )
    access_log: str = setting(
        "File for the JSON-lines access log; '-' is standard output.",
        "",
        unit="log",
        applies=RESTART,
    )
    cmsd: bool = setting(
        "Tell players in CMSD-Dynamic (CTA-5006) what each connection to them carries.",
        False,
        applies=RESTART,
    )
    log_sample_ratio: float = setting(
        "Share of plain hits that the access log has a line for; misses, errors and what was cut "
        "are always there.",
        1.0,
        minimum=0.0001,
        maximum=1,
        applies=RESTART,
    )


@dataclass(frozen=True, slots=True)
class EdgeNode:
    """One edge: one box, one or more worker processes."""

    name: str = setting("Unique name; shown in Cache-Status and Via.", unit="name")
    site: str = setting("Site it stands in.")
    listen: Address = setting(
        "Where players connect.", unit="address", example="127.0.0.1:9001", applies=RESTART
    )
    disks: tuple[CacheDisk, ...] = setting("Where blocks are kept.")
    admin: Address | None = setting(
        "Where metrics and operator calls are answered; none when left out.",
        None,
        unit="address",
        applies=RESTART,
    )
    admin_tls: Tls | None = setting(
        "The admin address is reached with TLS (https); without it in plain HTTP.",
        None,
        applies=RESTART,
    )
    tls: Tls | None = setting(
        "Players connect with TLS (https); without it in plain HTTP.", None, applies=RESTART
    )
    url: str = setting("How players reach it; made from listen when empty.", "", unit="url")
    workers: int = setting(
        "Worker processes; one per core.", 1, minimum=1, maximum=256, applies=RESTART
    )
    peer_url: str = setting(
        "How other edges reach it; as players do when left empty.", "", unit="url"
    )
    role: str = setting(
        "edge takes viewers; shield takes questions of other edges only and asks origins.",
        "edge",
        choices=("edge", "shield"),
    )
    weight: float = setting(
        "Share of its site's viewers, and of its objects among peers.", 1.0, minimum=0
    )
    capacity_per_second: float = setting(
        "Viewers that one router sends there per second while others have room; 0: no limit.",
        0.0,
        minimum=0,
    )
    capacity_bits_per_second: float = setting(
        "What its network can send; its share in use is its load, by which routers leave it out "
        "when it is full. 0: not known.",
        0.0,
        minimum=0,
    )
    addresses: tuple[str, ...] = setting(
        "IP addresses players reach it by: for DNS answers, and to look at IPv4 and IPv6 apart; "
        "empty: the one in url or listen.",
        (),
    )
    settings: EdgeSettings = setting(
        "Settings of this edge; what is left out comes from edge_settings.",
        default_factory=EdgeSettings,
    )


@dataclass(frozen=True, slots=True)
class RouterNode:
    """One router process."""

    name: str = setting("Unique name of the process.", unit="name")
    listen: Address = setting(
        "Where it listens.", unit="address", example="127.0.0.1:8080", applies=RESTART
    )
    url: str = setting("How viewers reach it; made from listen when empty.", "", unit="url")
    settings: RouterSettings = setting(
        "Settings of this router; what is left out comes from router_settings.",
        default_factory=RouterSettings,
    )
    workers: int = setting(
        "Worker processes; one per core.", 1, minimum=1, maximum=256, applies=RESTART
    )
    dns: Address | None = setting(
        "Where it answers DNS, over UDP and TCP; not at all when left out.",
        None,
        unit="address",
        applies=RESTART,
    )
    tls: Tls | None = setting(
        "It is reached with TLS (https); without it in plain HTTP.", None, applies=RESTART
    )


Node: TypeAlias = OriginNode | EdgeNode | RouterNode


@dataclass(frozen=True, slots=True)
class Topology:
    """The whole file."""

    version: int = setting("Version of this format.", 1, minimum=1, maximum=1)
    name: str = setting("Name of the installation.", "cinedge", unit="name")
    sites: tuple[Site, ...] = setting("Places with edges.", ())
    origins: tuple[OriginNode, ...] = setting("Origin processes.", ())
    edges: tuple[EdgeNode, ...] = setting("Edges.", ())
    routers: tuple[RouterNode, ...] = setting("Router processes.", ())
    routes: tuple[Route, ...] = setting("Which upstream answers for which paths.", (Route(),))
    geo: Geo | None = setting("How addresses become places.", None)
    dns: Dns = setting("The zone that routers answer for.", default_factory=Dns)
    token_keys: tuple[TokenKey, ...] = setting(
        "Keys for playback tokens; the first native one signs, all verify.", ()
    )
    access_tokens: tuple[AccessToken, ...] = setting("Bearer tokens for uploads and operators.", ())
    authorities: str = setting(
        "File with the certificate authorities that processes of this installation believe of each "
        "other, in PEM; empty: the system's.",
        "",
        unit="path",
        applies=RESTART,
    )
    service: Service | None = setting(
        "The film service around the films; left out: origins keep and send films only.",
        None,
        applies=RESTART,
    )
    tracing: Tracing | None = setting(
        "Where spans of requests go; left out: nothing is recorded.", None, applies=RESTART
    )
    costs: Costs = setting("What bytes of titles cost.", default_factory=Costs)
    edge_settings: EdgeSettings = setting(
        "Settings of every edge that does not say otherwise.", default_factory=EdgeSettings
    )
    router_settings: RouterSettings = setting(
        "Settings of every router that does not say otherwise.", default_factory=RouterSettings
    )

    def open_edges(self) -> tuple[EdgeNode, ...]:
        """Edges that take viewers: all but shields."""
        return tuple(edge for edge in self.edges if edge.role != "shield")

    def nodes(self) -> Iterator[tuple[str, Node]]:
        """Every process with its path in the file, such as `edges[0]`."""
        groups: tuple[tuple[str, tuple[Node, ...]], ...] = (
            ("origins", self.origins),
            ("edges", self.edges),
            ("routers", self.routers),
        )
        for group, nodes in groups:
            for number, node in enumerate(nodes):
                yield f"{group}[{number}]", node

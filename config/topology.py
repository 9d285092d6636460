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

from config.declare import setting

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


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key that signs playback tokens."""

    id: str = setting("Key id, named inside each token; letters, digits, - and _.", unit="name")
    secret: str = setting(
        "The key itself, at least 16 characters; better given by secret_env.", "", secret=True
    )
    secret_env: str = setting("Environment variable that holds the key.", "")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token for people and programs that administer or upload."""

    name: str = setting("Who holds it; written to the audit log.")
    scopes: tuple[str, ...] = setting(
        "What it allows.", ("upload",), choices=("upload", "purge", "operate", "admin")
    )
    secret: str = setting("The token; better given by secret_env.", "", secret=True)
    secret_env: str = setting("Environment variable that holds the token.", "")


@dataclass(frozen=True, slots=True)
class Volume:
    """A directory (one disk) on which an origin keeps extents."""

    name: str = setting(
        "Unique name; placement depends on it, so a renamed volume is a new one.", unit="name"
    )
    path: str = setting("Directory of the volume.", unit="path")
    weight: float = setting("Share of extents relative to other volumes.", 1.0, minimum=0)
    domain: str = setting(
        "Failure domain (disk shelf, host, room): copies of an extent avoid sharing one.", ""
    )
    size_bytes: int = setting(
        "Most bytes to keep on it; 0 means what the file system has.", 0, unit="bytes", minimum=0
    )
    reserve_bytes: int = setting(
        "Free space to leave on the file system.", 64 * MIB, unit="bytes", minimum=0
    )


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
class OriginNode:
    """One origin process."""

    name: str = setting("Unique name of the process.", unit="name")
    listen: Address = setting("Where it listens.", unit="address", example="127.0.0.1:8000")
    data: str = setting(
        "Directory for the catalog and, when no volume is listed, one volume.", unit="path"
    )
    url: str = setting("How others reach it; made from listen when empty.", "", unit="url")
    database: str = setting("SQLAlchemy URL of the catalog; SQLite under data when empty.", "")
    volumes: tuple[Volume, ...] = setting("Disks that hold the extents.", ())
    object_store: ObjectStore | None = setting(
        "S3 service that holds the extents, which several origins may share; volumes are then "
        "not used.",
        None,
    )
    copies: int = setting("Copies of each extent, on different volumes.", 1, minimum=1, maximum=8)
    extent_bytes: int = setting(
        "Piece of an object that is placed as a whole.",
        64 * MIB,
        unit="bytes",
        minimum=64 * KIB,
        maximum=4 * GIB,
    )
    scrub_bytes_per_second: int = setting(
        "How fast the background scrub reads the volumes; 0 turns it off.",
        16 * MIB,
        unit="bytes",
        minimum=0,
    )
    scrub_interval_seconds: float = setting(
        "Time from the beginning of one scrub to that of the next.",
        14 * 86400.0,
        unit="seconds",
        minimum=60,
    )
    object_bytes_max: int = setting("Largest object taken in.", 256 * GIB, unit="bytes", minimum=1)
    max_age_seconds: int = setting(
        "Cache-Control max-age on films: how long an edge may trust an object without asking, "
        "beyond what the change feed tells it.",
        3600,
        unit="seconds",
        minimum=0,
    )
    access_log: str = setting(
        "File for the JSON-lines access log; '-' is standard output.", "", unit="log"
    )
    router_url: str = setting("Router that the player page asks; empty: play here.", "", unit="url")
    packaging: PackagingSettings = setting(
        "How films are made ready to play.", default_factory=PackagingSettings
    )


@dataclass(frozen=True, slots=True)
class CacheDisk:
    """A directory in which an edge keeps blocks."""

    path: str = setting("Directory of the cache.", unit="path")
    size_bytes: int = setting(
        "Most bytes of blocks to keep there.", 10 * GIB, unit="bytes", minimum=16 * MIB
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


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """How edges behave; one set for all edges of a topology, overridable per edge."""

    block_bytes: int = setting(
        "Piece of an object that is cached as a whole; a power of two.",
        MIB,
        unit="bytes",
        minimum=64 * KIB,
        maximum=16 * MIB,
    )
    read_ahead_blocks: int = setting(
        "Blocks fetched ahead of a sequential reader.", 4, minimum=0, maximum=64
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
    read_timeout_seconds: float = setting(
        "Longest silence of an upstream inside an answer.", 20.0, unit="seconds", minimum=0.1
    )
    upstream_connections_max: int = setting(
        "Connections to one upstream, per worker.", 64, minimum=1
    )
    congestion_control: str = setting(
        "TCP congestion control of client connections, e.g. reno, cubic, bbr; empty: the system's.",
        "",
    )
    access_log: str = setting(
        "File for the JSON-lines access log; '-' is standard output.", "", unit="log"
    )


@dataclass(frozen=True, slots=True)
class Tls:
    """What an edge proves its name with to players; both files are read again when they change."""

    certificate: str = setting(
        "File with the certificate and the chain behind it, in PEM.", unit="path"
    )
    key: str = setting("File with its private key, in PEM, without a password.", unit="path")


@dataclass(frozen=True, slots=True)
class EdgeNode:
    """One edge: one box, one or more worker processes."""

    name: str = setting("Unique name; shown in Cache-Status and Via.", unit="name")
    site: str = setting("Site it stands in.")
    listen: Address = setting("Where players connect.", unit="address", example="127.0.0.1:9001")
    disks: tuple[CacheDisk, ...] = setting("Where blocks are kept.")
    admin: Address | None = setting(
        "Where metrics and operator calls are answered; none when left out.", None, unit="address"
    )
    tls: Tls | None = setting("Players connect with TLS (https); without it in plain HTTP.", None)
    url: str = setting("How players reach it; made from listen when empty.", "", unit="url")
    workers: int = setting("Worker processes; one per core.", 1, minimum=1, maximum=256)
    weight: float = setting("Share of its site's viewers.", 1.0, minimum=0)
    capacity_per_second: float = setting(
        "Viewers that one router sends there per second while others have room; 0: no limit.",
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
class Geo:
    """How the router turns an address into a place."""

    default_site: str = setting("Site for addresses that nothing else places.")
    prefixes: dict[str, str] = setting(
        "Address prefixes (CIDR) to sites; the longest prefix wins, before any database.",
        default_factory=dict,
        example="10.1.0.0/16: fra",
    )
    database: str = setting("MaxMind-format file; reloaded when it changes.", "", unit="path")
    trusted_proxies: tuple[str, ...] = setting(
        "Prefixes of proxies whose Forwarded or X-Forwarded-For is believed.", ()
    )
    database_ipv6: str = setting(
        "A second file for IPv6 addresses, where databases come split.", "", unit="path"
    )
    table: str = setting(
        "CSV file of prefix,site lines; prefixes above come first. Reloaded when it changes.",
        "",
        unit="path",
    )


@dataclass(frozen=True, slots=True)
class Dns:
    """The zone that routers answer for."""

    zone: str = setting("Name of the zone, such as cdn.example.net; empty: none.", "")
    nameservers: tuple[str, ...] = setting(
        "Host names of its servers, as delegated; those inside the zone need an address in hosts.",
        (),
    )
    hostmaster: str = setting("Mailbox of whoever runs it, written as a name.", "")
    names: tuple[str, ...] = setting(
        "Names under the zone that lead to the best edges; @ is the zone itself, * any label.",
        ("@", "*"),
    )
    hosts: dict[str, str] = setting(
        "Other names under the zone to their address.", default_factory=dict
    )
    ttl_seconds: int = setting(
        "How long resolvers keep an answer.", 20, unit="seconds", minimum=1, maximum=86_400
    )
    answers: int = setting("Edges in an answer.", 2, minimum=1, maximum=16)
    responses_per_second: int = setting(
        "Answers per second to one client network over UDP (RRL); 0: no limit.", 0, minimum=0
    )


@dataclass(frozen=True, slots=True)
class RouterSettings:
    """How routers judge edges."""

    probe_interval_seconds: float = setting(
        "Time between two looks at an edge.", 1.0, unit="seconds", minimum=0.05
    )
    probe_timeout_seconds: float = setting(
        "Longest time an edge may take to answer.", 0.8, unit="seconds", minimum=0.02
    )
    down_after: int = setting("Failures in a row before an edge is down.", 2, minimum=1)
    up_after: int = setting("Successes in a row before it is up again.", 3, minimum=1)
    agree: int = setting(
        "Routers that must agree that an edge fails; never more than answer each other.",
        2,
        minimum=1,
    )
    hold_seconds: float = setting(
        "Shortest time an edge that failed stays out.", 3.0, unit="seconds", minimum=0
    )
    slow_start_seconds: float = setting(
        "Time in which an edge that comes back reaches its whole share.",
        30.0,
        unit="seconds",
        minimum=0,
    )
    shields: tuple[str, ...] = setting(
        "Base URLs of shields that take viewers when no edge can.", (), unit="url"
    )
    origin_fallback: bool = setting(
        "Send viewers to an origin when neither edge nor shield is left.", False
    )
    steering_shortest_seconds: float = setting(
        "How soon players ask for steering again after a change.",
        10.0,
        unit="seconds",
        minimum=1,
    )
    steering_longest_seconds: float = setting(
        "How soon they ask again when nothing has changed for long.",
        300.0,
        unit="seconds",
        minimum=1,
    )
    steering_session_seconds: float = setting(
        "How long a player is steered before it is told to stop asking.",
        43_200.0,
        unit="seconds",
        minimum=1,
    )
    steering_per_second_max: float = setting(
        "Steering requests answered per second and worker; beyond it players are asked to wait.",
        5_000.0,
        minimum=1,
    )
    access_log: str = setting(
        "File for the JSON-lines access log; '-' is standard output.", "", unit="log"
    )


@dataclass(frozen=True, slots=True)
class RouterNode:
    """One router process."""

    name: str = setting("Unique name of the process.", unit="name")
    listen: Address = setting("Where it listens.", unit="address", example="127.0.0.1:8080")
    url: str = setting("How viewers reach it; made from listen when empty.", "", unit="url")
    settings: RouterSettings = setting(
        "Settings of this router; what is left out comes from router_settings.",
        default_factory=RouterSettings,
    )
    workers: int = setting("Worker processes; one per core.", 1, minimum=1, maximum=256)
    dns: Address | None = setting(
        "Where it answers DNS, over UDP and TCP; not at all when left out.", None, unit="address"
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
        "Keys for playback tokens; the first signs, all verify.", ()
    )
    access_tokens: tuple[AccessToken, ...] = setting("Bearer tokens for uploads and operators.", ())
    edge_settings: EdgeSettings = setting(
        "Settings of every edge that does not say otherwise.", default_factory=EdgeSettings
    )
    router_settings: RouterSettings = setting(
        "Settings of every router that does not say otherwise.", default_factory=RouterSettings
    )

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

"""The topology files of a scenario: one for each process, so that links between two can break.

All say the same but for addresses: a process that asks another over a link that breaks finds the
address of the proxy there. Everything is small and quick to give up, so that a scenario of a few
seconds sees faults begin, be noticed and heal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from config.topology import KIB, MIB
from tests.faults.scenario.backing import Backing, moved
from tests.faults.scenario.plan import (
    DATABASE,
    EDGES,
    EXTERNAL,
    OBJECTS,
    PROCESSES,
    ROUTER,
    WORLD,
    Shape,
    origins_of,
)

HOST: Final = "127.0.0.1"
ANY_HOST: Final = "0.0.0.0"
BLOCK_BYTES: Final = 64 * KIB
EXTENT_BYTES: Final = 256 * KIB
VOLUMES: Final = 3
REGIONS: Final = {"edge-a": "127.1.0.1", "edge-b": "127.2.0.1", "edge-c": "127.3.0.1"}
"""An address from which the router sends viewers to this edge."""
EXTERNAL_PREFIX: Final = "/ext/"
DNS: Final = "dns"
"""Where the router answers DNS, among the servers."""
ADDRESSES: Final = {"edge-a": "127.9.0.1", "edge-b": "127.9.0.2", "edge-c": "127.9.0.3"}
"""By which DNS names edges."""
ZONE: Final = "films.example"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens. `links`: the proxies there are. `secure`: ours are in TLS."""

    servers: Mapping[str, int]
    links: Mapping[str, int]
    secure: bool = False

    def url(self, asker: str, asked: str) -> str:
        """How one reaches the other."""
        scheme = "https" if self.secure and asked in PROCESSES else "http"
        return f"{scheme}://{HOST}:{self.port(asker, asked)}"

    def port(self, asker: str, asked: str) -> int:
        """The port by which one reaches the other."""
        return self.links.get(f"{asker}>{asked}", self.servers[asked])


@dataclass(frozen=True, slots=True)
class Secured:
    """What all processes prove their names with, and by which they believe each other."""

    authorities: str
    tls: Mapping[str, str]


def disk_of(data: Path, process: str) -> Path:
    """Where a process keeps what it keeps."""
    return data / process / "disk"


def cache_of(data: Path, edge: str) -> Path:
    """The cache directory of an edge."""
    return disk_of(data, edge) / "cache"


def key_named(number: int) -> dict[str, str]:
    """A key of playback tokens."""
    return {"id": f"key-{number}", "secret": f"secret of a scenario, number {number}"}


def document_of(
    process: str,
    shape: Shape,
    ports: Ports,
    data: Path,
    keys: Sequence[Mapping[str, str]],
    backing: Backing,
    secured: Secured | None = None,
) -> dict[str, Any]:
    """The topology as `process` is told it."""
    document: dict[str, Any] = {
        "version": 1,
        "name": "scenario",
        "sites": _sites(shape),
        "origins": [
            _origin(process, name, shape, ports, data) | _kept_in(name, ports, backing)
            for name in origins_of(shape)
        ],
        "edges": [_edge(process, name, shape, ports, data) for name in EDGES],
        "routers": [_router(ports)],
        "routes": [
            {"prefix": "/", "token": shape.tokens},
            {"prefix": EXTERNAL_PREFIX, "upstream": [f"{ports.url(process, EXTERNAL)}/ext/"]},
        ],
        "geo": {
            "default_site": _site_of(EDGES[0], shape),
            "prefixes": {
                f"{address.rpartition('.')[0]}.0/24": _site_of(edge, shape)
                for edge, address in REGIONS.items()
            },
        },
        "token_keys": list(keys),
        "edge_settings": {
            "block_bytes": BLOCK_BYTES,
            "connect_timeout_seconds": 2,
            "first_byte_timeout_seconds": 3,
            "read_timeout_seconds": 3,
        },
        "router_settings": {
            "probe_interval_seconds": 0.25,
            "hold_seconds": 1,
            "slow_start_seconds": 1,
        },
    }
    if shape.service:
        document["service"] = _service()
    if shape.dns:
        document["dns"] = {"zone": ZONE, "nameservers": ["ns.elsewhere.example"], "ttl_seconds": 1}
    if secured is not None:
        document["authorities"] = secured.authorities
        for node in (*document["origins"], *document["edges"], *document["routers"]):
            node["tls"] = dict(secured.tls)
    return document


def _router(ports: Ports) -> dict[str, Any]:
    router = {"name": ROUTER, "listen": f"{HOST}:{ports.servers[ROUTER]}"}
    if DNS in ports.servers:
        router["dns"] = f"{HOST}:{ports.servers[DNS]}"
    return router


def _sites(shape: Shape) -> list[dict[str, Any]]:
    """One for each edge, or one for all, where they ask each other."""
    names = dict.fromkeys(_site_of(edge, shape) for edge in EDGES)
    return [
        {"name": name, "latitude": 10.0 * at, "longitude": 20.0 * at, "peers": shape.peers}
        for at, name in enumerate(names)
    ]


def _site_of(edge: str, shape: Shape) -> str:
    return "site" if shape.peers else f"site-{edge[-1]}"


def _origin(process: str, name: str, shape: Shape, ports: Ports, data: Path) -> dict[str, Any]:
    volumes = [
        {"name": f"v{n}", "path": str(disk_of(data, name) / f"v{n}"), "reserve_bytes": 0}
        for n in range(VOLUMES)
    ]
    return {
        "name": name,
        "listen": f"{HOST}:{ports.servers[name]}",
        "url": ports.url(process, name),
        "data": str(disk_of(data, name) / "data"),
        "volumes": volumes,
        "copies": shape.copies,
        "extent_bytes": EXTENT_BYTES,
        "max_age_seconds": shape.max_age_seconds,
        "scrub_bytes_per_second": 0,
    }


def _kept_in(name: str, ports: Ports, backing: Backing) -> dict[str, Any]:
    """What an origin keeps elsewhere than on its disks, by way of the links that may break."""
    kept: dict[str, Any] = {}
    if backing.database_url:
        kept["database"] = moved(backing.database_url, ports.port(name, DATABASE))
    if store := backing.object_store:
        endpoint = moved(store["endpoint"], ports.port(name, OBJECTS))
        kept["object_store"] = store | {"endpoint": endpoint}
    return kept


def _edge(process: str, name: str, shape: Shape, ports: Ports, data: Path) -> dict[str, Any]:
    # DNS names an address of its own for each edge; the port is that of its URL.
    host = ANY_HOST if shape.dns else HOST
    return {
        "name": name,
        "site": _site_of(name, shape),
        "listen": f"{host}:{ports.servers[name]}",
        "url": ports.url(WORLD, name),
        "peer_url": ports.url(process, name) if process != name else "",
        "disks": [{"path": str(cache_of(data, name)), "size_bytes": 64 * MIB}],
        "workers": shape.workers,
        "addresses": [ADDRESSES[name]] if shape.dns else [],
    }


def _service() -> dict[str, Any]:
    """The film service with costs of tests; mails go nowhere."""
    return {
        "accounts": {"hash_memory_bytes": 65536, "hash_passes": 1, "hash_lanes": 1},
        "watching": {"heartbeat_seconds": 1, "lease_seconds": 20},
    }

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
    ORIGIN,
    ROUTER,
    WORLD,
    Shape,
)

HOST: Final = "127.0.0.1"
BLOCK_BYTES: Final = 64 * KIB
EXTENT_BYTES: Final = 256 * KIB
VOLUMES: Final = 3
REGIONS: Final = {"edge-a": "127.1.0.1", "edge-b": "127.2.0.1", "edge-c": "127.3.0.1"}
"""An address from which the router sends viewers to this edge."""
EXTERNAL_PREFIX: Final = "/ext/"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens. `links`: the proxies there are."""

    servers: Mapping[str, int]
    links: Mapping[str, int]

    def url(self, asker: str, asked: str) -> str:
        """How one reaches the other."""
        return f"http://{HOST}:{self.port(asker, asked)}"

    def port(self, asker: str, asked: str) -> int:
        """The port by which one reaches the other."""
        return self.links.get(f"{asker}>{asked}", self.servers[asked])


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
) -> dict[str, Any]:
    """The topology as `process` is told it."""
    return {
        "version": 1,
        "name": "scenario",
        "sites": _sites(shape),
        "origins": [_origin(process, shape, ports, data) | _kept_in(ports, backing)],
        "edges": [_edge(process, name, shape, ports, data) for name in EDGES],
        "routers": [{"name": ROUTER, "listen": f"{HOST}:{ports.servers[ROUTER]}"}],
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
    } | ({"service": _service()} if shape.service else {})


def _sites(shape: Shape) -> list[dict[str, Any]]:
    """One for each edge, or one for all, where they ask each other."""
    names = dict.fromkeys(_site_of(edge, shape) for edge in EDGES)
    return [
        {"name": name, "latitude": 10.0 * at, "longitude": 20.0 * at, "peers": shape.peers}
        for at, name in enumerate(names)
    ]


def _site_of(edge: str, shape: Shape) -> str:
    return "site" if shape.peers else f"site-{edge[-1]}"


def _origin(process: str, shape: Shape, ports: Ports, data: Path) -> dict[str, Any]:
    volumes = [
        {"name": f"v{n}", "path": str(disk_of(data, ORIGIN) / f"v{n}"), "reserve_bytes": 0}
        for n in range(VOLUMES)
    ]
    return {
        "name": ORIGIN,
        "listen": f"{HOST}:{ports.servers[ORIGIN]}",
        "url": ports.url(process, ORIGIN),
        "data": str(disk_of(data, ORIGIN) / "data"),
        "volumes": volumes,
        "copies": shape.copies,
        "extent_bytes": EXTENT_BYTES,
        "max_age_seconds": shape.max_age_seconds,
        "scrub_bytes_per_second": 0,
    }


def _kept_in(ports: Ports, backing: Backing) -> dict[str, Any]:
    """What an origin keeps elsewhere than on its disks, by way of the links that may break."""
    kept: dict[str, Any] = {}
    if backing.database_url:
        kept["database"] = moved(backing.database_url, ports.port(ORIGIN, DATABASE))
    if store := backing.object_store:
        endpoint = moved(store["endpoint"], ports.port(ORIGIN, OBJECTS))
        kept["object_store"] = store | {"endpoint": endpoint}
    return kept


def _edge(process: str, name: str, shape: Shape, ports: Ports, data: Path) -> dict[str, Any]:
    return {
        "name": name,
        "site": _site_of(name, shape),
        "listen": f"{HOST}:{ports.servers[name]}",
        "url": ports.url(WORLD, name),
        "peer_url": ports.url(process, name) if process != name else "",
        "disks": [{"path": str(cache_of(data, name)), "size_bytes": 64 * MIB}],
        "workers": shape.workers,
    }


def _service() -> dict[str, Any]:
    """The film service with costs of tests; mails go nowhere."""
    return {
        "accounts": {"hash_memory_bytes": 65536, "hash_passes": 1, "hash_lanes": 1},
        "watching": {"heartbeat_seconds": 1, "lease_seconds": 20},
    }

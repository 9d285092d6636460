"""What an audience comes to: an origin, an edge and a router, with films in them."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from scripts.benchmark.launch import (
    HOST,
    READY_SECONDS,
    Launcher,
    Server,
    wait_until_it_answers,
)
from scripts.cli.errors import FailedError
from scripts.demo_topology import free_ports

LEASE_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.1
_CINEDGE: Final = (sys.executable, "-m", "scripts.cli.main")
_CHEAP: Final = {"hash_memory_bytes": 65536, "hash_passes": 1, "hash_lanes": 1}
_WORDS: Final = ("amber", "birch", "canyon", "dune", "ember", "fjord", "glade", "harbour", "island")
FILM: Final = bytes(range(256)) * 1024
TITLES: Final = [
    (f"{word}-{number}", f"{word.title()} {number}") for word in _WORDS for number in range(1, 12)
]
"""Ids and names."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything answers, and the servers by name."""

    origin_url: str
    router_url: str
    servers: Sequence[Server]


def make_document(
    folder: Path, database: str, payments: Mapping[str, Any] | None, *, cheap_hashes: bool = False
) -> dict[str, Any]:
    """A topology of one origin, one edge and one router, on free ports."""
    origin, edge, admin, router = free_ports(4)
    origin_node: dict[str, Any] = {
        "name": "origin",
        "listen": f"{HOST}:{origin}",
        "data": str(folder / "origin"),
        "router_url": f"http://{HOST}:{router}",
    }
    service: dict[str, Any] = {
        # All viewers come from one address.
        "accounts": {"network_attempts_max": 1_000_000} | (_CHEAP if cheap_hashes else {}),
        "watching": {"streams_max": 1, "heartbeat_seconds": 1, "lease_seconds": LEASE_SECONDS},
    }
    return {
        "sites": [{"name": "here", "latitude": 50.11, "longitude": 8.68}],
        "origins": [origin_node | ({"database": database} if database else {})],
        "edges": [
            {
                "name": "edge",
                "site": "here",
                "listen": f"{HOST}:{edge}",
                "admin": f"{HOST}:{admin}",
                "disks": [{"path": str(folder / "cache"), "size_bytes": "1GiB"}],
            }
        ],
        "routers": [{"name": "router", "listen": f"{HOST}:{router}"}],
        "geo": {"default_site": "here"},
        "token_keys": [{"id": "key-1", "secret": "a key of more than 32 characters!"}],
        "routes": [{"prefix": "/", "token": True}],
        "service": service | ({"payments": dict(payments)} if payments else {}),
    }


def start(launcher: Launcher, folder: Path, document: Mapping[str, Any]) -> Stage:
    """Start every server, and wait until each answers. Raises FailedError."""
    topology = folder / "topology.yaml"
    topology.write_text(yaml.safe_dump(document))
    servers = []
    for tier in ("origin", "edge", "router"):
        node = document[f"{tier}s"][0]
        port = int(str(node["listen"]).rpartition(":")[2])
        command = (*_CINEDGE, tier, "--topology", str(topology))
        servers.append(launcher.start(tier, command, port))
    origin, _, router = servers
    for server in (origin, router):
        wait_until_it_answers(server, "/readyz")
    return Stage(f"http://{HOST}:{origin.port}", f"http://{HOST}:{router.port}", servers)


def fill(stage: Stage) -> None:
    """Upload a film for each title, and wait until the router knows the edge. Raises FailedError"""
    with httpx.Client(base_url=stage.origin_url, timeout=60) as http:
        for id, name in TITLES:
            media = f"films/{id}.mp4"
            kept = http.put(
                f"/v1/content/{media}", content=FILM, headers={"Content-Type": "video/mp4"}
            )
            title = {"title": name, "media": media, "duration_seconds": 7200, "genres": ["Drama"]}
            saved = http.put(f"/v1/titles/{id}", json=title)
            if kept.is_error or saved.is_error:
                raise FailedError(f"{id}: {kept.status_code}, {saved.status_code} {saved.text}")
        deadline = time.monotonic() + READY_SECONDS
        while not _edge_is_up(http, stage.router_url):
            if time.monotonic() > deadline:
                raise FailedError("the router does not believe in the edge")
            time.sleep(_POLL_SECONDS)


def _edge_is_up(http: httpx.Client, router_url: str) -> bool:
    edges = http.get(f"{router_url}/v1/fleet").raise_for_status().json()["edges"]
    return all(each["state"] == "up" for each in edges)

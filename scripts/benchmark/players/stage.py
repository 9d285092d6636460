"""An origin with films, an edge in each of three regions, and a router that tells them apart."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
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
from scripts.benchmark.players.content import chunks_of
from scripts.benchmark.players.evening import Film
from scripts.cli.errors import FailedError
from scripts.demo_topology import free_ports

REGIONS: Final = ("fra", "iad", "sin")
_PLACES: Final = ((50.11, 8.68), (38.94, -77.46), (1.35, 103.99))
_CINEDGE: Final = (sys.executable, "-m", "scripts.cli.main")
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Stage:
    """The servers by name; where the router and the edges listen."""

    servers: Sequence[Server]
    router_port: int
    edge_ports: Sequence[int]


def address_of(player: int) -> str:
    """Players come from all regions in turn, a few hundred to an address."""
    region = player % len(REGIONS)
    return f"127.{region + 1}.0.{player // len(REGIONS) % 250 + 1}"


def make_document(folder: Path, cache_bytes: int, log: Path | None) -> dict[str, Any]:
    """The topology, on free ports; edges write access logs into a folder when one is named."""
    ports = free_ports(2 + 2 * len(REGIONS))
    settings = {} if log is None else {"access_log": f"{log}/NAME.jsonl"}
    return {
        "sites": [
            {"name": name, "latitude": latitude, "longitude": longitude}
            for name, (latitude, longitude) in zip(REGIONS, _PLACES, strict=True)
        ],
        "origins": [
            {"name": "origin", "listen": f"{HOST}:{ports[0]}", "data": str(folder / "origin")}
        ],
        "edges": [
            {
                "name": f"edge-{name}",
                "site": name,
                "listen": f"{HOST}:{ports[2 + 2 * number]}",
                "admin": f"{HOST}:{ports[3 + 2 * number]}",
                "disks": [{"path": str(folder / f"cache-{name}"), "size_bytes": cache_bytes}],
                "settings": {key: value.replace("NAME", name) for key, value in settings.items()},
            }
            for number, name in enumerate(REGIONS)
        ],
        "routers": [{"name": "router", "listen": f"{HOST}:{ports[1]}"}],
        "geo": {
            "default_site": REGIONS[0],
            "prefixes": {f"127.{n + 1}.0.0/16": name for n, name in enumerate(REGIONS)},
        },
    }


def start(launcher: Launcher, folder: Path, document: dict[str, Any]) -> Stage:
    """Start every server, and wait until each answers. Raises FailedError."""
    path = folder / "topology.yaml"
    path.write_text(yaml.safe_dump(document))
    servers = []
    for tier in ("origin", "edge", "router"):
        for node in document[f"{tier}s"]:
            port = int(str(node["listen"]).rpartition(":")[2])
            words = (*_CINEDGE, tier, "--topology", str(path), "--name", node["name"])
            servers.append(launcher.start(node["name"], words, port))
    origin, *edges, router = servers
    for server in (origin, router):
        wait_until_it_answers(server, "/readyz")
    return Stage(servers, router.port, [edge.port for edge in edges])


def fill(stage: Stage, count: int, size_bytes: int, piece_bytes: int) -> list[Film]:
    """Upload films and wait until the router knows all edges. Raises FailedError."""
    films = []
    origin = f"http://{HOST}:{stage.servers[0].port}"
    with httpx.Client(timeout=60) as http:
        for number in range(count):
            key = f"films/{number}.mp4"
            length = {"Content-Length": str(size_bytes), "Content-Type": "video/mp4"}
            url = f"{origin}/v1/content/{key}"
            answer = http.put(url, content=chunks_of(number, size_bytes), headers=length)
            if answer.is_error:
                raise FailedError(f"{key}: {answer.status_code} {answer.text}")
            films.append(Film(number, f"/{key}", size_bytes // piece_bytes))
        deadline = time.monotonic() + READY_SECONDS
        while not _edges_are_up(http, stage.router_port):
            if time.monotonic() > deadline:
                raise FailedError("the router does not believe in the edges")
            time.sleep(_POLL_SECONDS)
    return films


def _edges_are_up(http: httpx.Client, port: int) -> bool:
    edges = http.get(f"http://{HOST}:{port}/v1/fleet").raise_for_status().json()["edges"]
    return all(each["state"] == "up" for each in edges)

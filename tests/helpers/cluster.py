"""A whole CDN of real processes for one test module: origin, router, three edges, three regions.

The same topology that `cinedge up` writes, but nothing is restarted, so that a test may kill a
process and see it stay dead.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

from config.load import load_topology
from config.topology import Topology
from scripts.demo_topology import REGIONS, settle_topology
from tests.helpers.processes import Running, wait_until

ROOT = Path(__file__).parents[2]
CINEDGE = (sys.executable, "-m", "scripts.cli.main")
ADDRESSES = {region.site: region.prefix.replace(".0.0/16", ".0.1") for region in REGIONS}
"""A client address of each region."""


class Cluster:
    """Use as a context manager; inside it every tier answers."""

    def __init__(
        self, data: Path, edit: Callable[[dict[str, Any]], None] = lambda document: None
    ) -> None:
        self.data = data
        self.topology_path = data / "topology.yaml"
        settle_topology(self.topology_path, print)
        document = yaml.safe_load(self.topology_path.read_text())
        edit(document)
        self.topology_path.write_text(yaml.safe_dump(document, sort_keys=False))
        self.topology: Topology = load_topology(self.topology_path, os.environ)
        self.origin = self.topology.origins[0].url
        self.router = self.topology.routers[0].url
        self.edges = {edge.name: edge.url for edge in self.topology.edges}
        self.processes: dict[str, Running] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        (self.data / "logs").mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            self.start("origin", self.topology.origins[0].name, stack)
            # What an edge fetches before it hears the journal it asks about again each time.
            wait_until(self._origin_is_ready, "the origin is ready", 60)
            for edge in self.topology.edges:
                self.start("edge", edge.name, stack)
            self.start("router", self.topology.routers[0].name, stack)
            self._await_ready()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
        for name, running in self.processes.items():  # shown beside a test that failed
            print(f"--- {name}", *running.stderr[-20:], sep="\n")

    def start(self, tier: str, name: str, stack: ExitStack | None = None) -> None:
        """Start one process of the topology."""
        command = (*CINEDGE, tier, "--topology", str(self.topology_path), "--name", name)
        running = Running(command, cwd=ROOT)
        self.processes[name] = (stack or self._stack).enter_context(running)

    def pid(self, name: str) -> int:
        """Process id of a member."""
        return self.processes[name].process.pid

    def kill(self, name: str) -> None:
        """End a member as a power cut would, with all that it started."""
        os.killpg(self.pid(name), signal.SIGKILL)
        self.processes[name].process.wait()

    def is_running(self, name: str) -> bool:
        """Whether a member has not ended."""
        return self.processes[name].process.poll() is None

    def ended(self) -> str:
        """The first member that has ended, with its last words; empty when all run."""
        for name, running in self.processes.items():
            if not self.is_running(name):
                running.end()
                return f"{name} ended:\n" + "\n".join(running.stderr[-20:])
        return ""

    def edge_for(self, key: str, address: str = "127.0.0.1") -> str:
        """Name of the edge that the router sends a client of this address to."""
        with client(address) as http:
            answer = http.get(f"{self.router}/{key}", follow_redirects=False)
        assert answer.status_code == 302, answer.text
        location = answer.headers["Location"]
        (name,) = (name for name, url in self.edges.items() if location == f"{url}/{key}")
        return name

    def fleet(self) -> dict[str, str]:
        """What the router believes of each edge."""
        edges = httpx.get(f"{self.router}/v1/fleet").raise_for_status().json()["edges"]
        return {edge["name"]: edge["state"] for edge in edges}

    def access_log(self, name: str) -> list[dict[str, Any]]:
        """What a member has logged of requests so far."""
        path = self.data / "logs" / f"{name}.access.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def put(self, key: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        """Upload through the public endpoint."""
        answer = httpx.put(
            f"{self.origin}/v1/content/{key}",
            content=content,
            headers={"Content-Type": content_type},
            timeout=60,
        )
        assert answer.status_code in (200, 201), answer.text

    def _origin_is_ready(self) -> bool:
        ended = self.ended()
        assert not ended, ended
        try:
            return httpx.get(f"{self.origin}/readyz").is_success
        except httpx.HTTPError:
            return False

    def _await_ready(self) -> None:
        def ready() -> bool:
            try:
                return self._origin_is_ready() and all(
                    state == "up" for state in self.fleet().values()
                )
            except httpx.HTTPError:
                return False

        wait_until(ready, "origin, router and every edge are ready", 60)


def client(address: str = "127.0.0.1") -> httpx.Client:
    """An HTTP client that calls from this address and follows redirects."""
    transport = httpx.HTTPTransport(local_address=address)
    return httpx.Client(transport=transport, follow_redirects=True, timeout=30)

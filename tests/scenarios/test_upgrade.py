"""An installation of an older version becomes one of this version, process by process, under load.

The older version is a commit of this repository, taken out of it and started over its own data:
CINEDGE_UPGRADE_FROM names another. Its topology says only what both versions know.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import httpx
import pytest
import yaml

from scripts.demo_topology import free_ports
from tests.helpers.processes import Running, wait_until

ROOT = Path(__file__).parents[2]
OLD = os.environ.get("CINEDGE_UPGRADE_FROM", "8a71b31e102dbb3eb2374a4f5727efcb0e1d242f")
"""The first that wrote films as they are written now, with the schema before the last."""

FILM = "films/long.mp4"
CONTENT = random.Random(50).randbytes(5 * 1024 * 1024 + 3)
RETRY_SECONDS = 30.0
"""As long as a player has something to show."""


def take_out(folder: Path) -> Path:
    """The older tree. Skips where the repository does not have it."""
    archive = ["git", "archive", "--format=tar", OLD]
    done = subprocess.run(archive, cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"the repository does not have {OLD[:8]} here")
    with tarfile.open(fileobj=BytesIO(done.stdout)) as tree:
        tree.extractall(folder, filter="data")
    return folder


class Installation:
    """Origin, router and two edges, each of either version. Use as a context manager."""

    def __init__(self, data: Path, old: Path) -> None:
        ports = free_ports(6)
        self.topology = data / "topology.yaml"
        self.old = old
        self._stack = ExitStack()
        self._running: dict[str, Running] = {}
        origin, router, *rest = (f"127.0.0.1:{port}" for port in ports)
        self.urls = {"origin-1": f"http://{origin}", "router-1": f"http://{router}"}
        self.urls |= {f"edge-{n}": f"http://{rest[2 * n]}" for n in (0, 1)}
        edges = [
            {"name": f"edge-{n}", "site": "here", "listen": rest[2 * n], "admin": rest[2 * n + 1],
             "disks": [{"path": f"cache-{n}", "size_bytes": "64MiB"}]}
            for n in (0, 1)
        ]  # fmt: skip
        document = {
            "sites": [{"name": "here", "latitude": 50, "longitude": 8}],
            "origins": [{"name": "origin-1", "listen": origin, "data": "origin"}],
            "edges": edges,
            "routers": [{"name": "router-1", "listen": router}],
            "routes": [{"prefix": "/"}],
            "geo": {"default_site": "here"},
            "router_settings": {"probe_interval_seconds": 0.2, "hold_seconds": 0.2},
        }
        self.topology.write_text(yaml.safe_dump(document))

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        for name, running in self._running.items():  # shown beside a test that failed
            print(f"--- {name}", *running.stderr[-12:], sep="\n")

    def start(self, name: str, tree: Path) -> None:
        """Start a process of that tree, without waiting for it."""
        tier = name.partition("-")[0]
        words = (tier, "--topology", str(self.topology), "--name", name)
        command = (sys.executable, "-m", "scripts.cli.main", *words)
        self._running[name] = self._stack.enter_context(Running(command, cwd=tree))

    def await_ready(self, name: str) -> None:
        def is_ready() -> bool:
            assert self._running[name].process.poll() is None, self._running[name].stderr[-9:]
            return answers(f"{self.urls[name]}/readyz")

        wait_until(is_ready, f"{name} is ready", 60)

    def start_old(self) -> None:
        """All of the older version."""
        for name in self.urls:
            self.start(name, self.old)
        for name in self.urls:
            self.await_ready(name)
        wait_until(lambda: self.believed() == {"up"}, "the router knows every edge", 60)

    def replace(self, name: str) -> None:
        """One process of the older version by one of this version."""
        self.stop(name)
        self.start(name, ROOT)
        self.await_ready(name)
        wait_until(lambda: self.believed() == {"up"}, "the router knows every edge", 60)

    def refusal_of_the_old(self, name: str) -> list[str]:
        """What a process of the older version says before it ends."""
        self.start(name, self.old)
        assert self._running[name].end(60) == 1
        return self._running[name].stderr

    def stop(self, name: str) -> None:
        """As service managers do."""
        self._running[name].ask_to_stop()
        assert self._running[name].end(60) == 0

    def believed(self) -> set[str]:
        """What the router believes of edges."""
        try:
            fleet = httpx.get(f"{self.urls['router-1']}/v1/fleet").json()["edges"]
        except (httpx.HTTPError, ValueError):
            return set()
        return {edge["state"] for edge in fleet}

    def put(self, key: str, content: bytes) -> None:
        """Upload."""
        url = f"{self.urls['origin-1']}/v1/content/{key}"
        httpx.put(url, content=content, timeout=60).raise_for_status()


class Players:
    """Viewers who play pieces of a film by way of the router, and try again as players do."""

    def __init__(self, router: str) -> None:
        self.pieces = 0
        self.longest_seconds = 0.0
        self.troubles: list[str] = []
        self._url = f"{router}/{FILM}"
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._play, args=(seed,)) for seed in range(2)]

    def __enter__(self) -> Players:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _play(self, seed: int) -> None:
        chance = random.Random(seed)
        with httpx.Client(follow_redirects=True, timeout=10) as http:
            while not self._over.wait(0.02):  # as fast as they can, they would starve the rest
                start = chance.randrange(len(CONTENT))
                stop = min(len(CONTENT), start + chance.randrange(1, 300_000))
                began = time.monotonic()
                while (got := self._fetch(http, start, stop)) is None:
                    if time.monotonic() - began > RETRY_SECONDS:
                        self.troubles.append(f"[{start}, {stop}) never came")
                        return
                    time.sleep(0.1)
                if got != CONTENT[start:stop]:
                    self.troubles.append(f"[{start}, {stop}) holds other bytes")
                self.pieces += 1
                self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)

    def _fetch(self, http: httpx.Client, start: int, stop: int) -> bytes | None:
        try:
            answer = http.get(self._url, headers={"Range": f"bytes={start}-{stop - 1}"})
        except httpx.HTTPError:
            return None
        return answer.content if answer.status_code == 206 else None

    def go_on(self) -> None:
        """Wait until all have played a few pieces more."""
        wanted = self.pieces + 12
        wait_until(lambda: self.pieces >= wanted or bool(self.troubles), "viewers go on", 60)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    old = take_out(tmp_path / "old")
    with Installation(tmp_path, old) as made:
        made.start_old()
        yield made


def test_an_older_installation_is_replaced_process_by_process_while_viewers_play(
    installation: Installation,
) -> None:
    installation.put(FILM, CONTENT)
    installation.put("films/replaced", b"of the older origin")
    for name in ("edge-0", "edge-1"):
        assert read(installation, name, "films/replaced") == b"of the older origin"
    with Players(installation.urls["router-1"]) as players:
        players.go_on()
        for name in ("origin-1", "router-1", "edge-0", "edge-1"):
            installation.replace(name)
            if name == "origin-1":
                # The edges are still of the older version: they have to hear of it.
                installation.put("films/replaced", b"of the newer origin")
                for edge in ("edge-0", "edge-1"):
                    wait_until(hears(installation, edge), f"{edge} hears of it", 30)
            players.go_on()
    assert players.troubles == []
    for name in ("edge-0", "edge-1"):
        assert read(installation, name, "films/replaced") == b"of the newer origin"
        assert read(installation, name, FILM) == CONTENT
    print(f"{players.pieces} pieces, the longest took {players.longest_seconds:.1f} s")
    if newest_schema(installation.old) == newest_schema(ROOT):
        return
    installation.stop("origin-1")
    # The way back is a backup: the older version does not touch what it does not know.
    assert any("newer than this" in line for line in installation.refusal_of_the_old("origin-1"))


def newest_schema(tree: Path) -> str:
    return max(path.name for path in tree.glob("origin/catalog/migrations/versions/0*.py"))


def hears(installation: Installation, edge: str) -> Callable[[], bool]:
    return lambda: read(installation, edge, "films/replaced") == b"of the newer origin"


def read(installation: Installation, edge: str, key: str) -> bytes:
    return httpx.get(f"{installation.urls[edge]}/{key}", timeout=60).raise_for_status().content


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False

"""A running installation is changed from one file to another while viewers stream.

`cinedge up` runs everything; `cinedge topology apply` adds a site, moves its edge, changes the
block size of all edges and the keys of tokens, removes the edge again, and fails on purpose. All
the while clients in every region read a film through the router, some in pieces and some in one
slow answer, and compare every byte. Long form: CINEDGE_TEST_CHANGE_CLIENTS=200.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
import yaml

from scripts.cli.up import FILM_KEY
from scripts.demo_topology import HOST, free_ports, listed_ports, settle_topology
from tests.helpers.cluster import ROOT
from tests.helpers.processes import Running, wait_until

CLIENTS = int(os.environ.get("CINEDGE_TEST_CHANGE_CLIENTS", "20"))
FILM: Final = random.Random(7).randbytes(6 * 1024 * 1024)
PIECE: Final = 192 * 1024
CHUNK: Final = 32 * 1024
SHA256: Final = hashlib.sha256(FILM).hexdigest()
CINEDGE: Final = (sys.executable, "-m", "scripts.cli.main")

Edit = Callable[[dict[str, Any]], None]


@dataclass
class Audience:
    """Clients that read the film again and again until told to stop."""

    url: str
    films: int = 0
    requests: int = 0
    failures: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        asyncio.run(self._all())

    async def _all(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(CLIENTS)))

    async def _client(self, number: int) -> None:
        # From a region each; every third takes the whole film in one slow answer.
        address = f"127.{number % 3 + 1}.0.{number // 3 + 1}"
        connector = aiohttp.TCPConnector(local_addr=(address, 0))
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=20, sock_read=60)
        story: deque[str] = deque(maxlen=8)
        session = aiohttp.ClientSession(
            connector=connector, timeout=timeout, trace_configs=[_telling(story)]
        )
        async with session:
            while not self.stopping.is_set():
                digest = hashlib.sha256()
                try:
                    await (self._slowly if number % 3 == 0 else self._pieces)(session, digest)
                except (aiohttp.ClientError, TimeoutError, AssertionError) as error:
                    self.failures.append(f"client {number}: {error!r} after {list(story)}")
                    continue
                if digest.hexdigest() != SHA256:
                    self.failures.append(f"client {number}: other bytes")
                self.films += 1

    async def _slowly(self, session: aiohttp.ClientSession, digest: Any) -> None:
        async with session.get(self.url) as answer:
            self.requests += 1
            assert answer.status == 200, f"{answer.status} from {answer.url}"
            async for chunk in answer.content.iter_chunked(CHUNK):
                digest.update(chunk)
                await asyncio.sleep(0.02)  # a player's own pace: some four seconds a film

    async def _pieces(self, session: aiohttp.ClientSession, digest: Any) -> None:
        for start in range(0, len(FILM), PIECE):
            wanted = {"Range": f"bytes={start}-{start + PIECE - 1}"}
            async with session.get(self.url, headers=wanted) as answer:
                self.requests += 1
                assert answer.status == 206, f"{answer.status} from {answer.url}"
                digest.update(await answer.read())
            await asyncio.sleep(0.05)


def _telling(story: deque[str]) -> aiohttp.TraceConfig:
    """Has a client's steps told, so that a failure says where it stood."""

    def tells(what: str) -> Callable[..., Awaitable[None]]:
        async def tell(_session: object, _context: object, params: Any) -> None:
            where = getattr(params, "url", None)
            story.append(f"{time.monotonic():.3f} {what} {where or ''}")

        return tell

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(tells("asks"))
    trace.on_request_redirect.append(tells("is sent on by"))
    trace.on_connection_reuseconn.append(tells("on a connection it has"))
    trace.on_connection_create_end.append(tells("on a new connection"))
    trace.on_request_end.append(tells("got the head from"))
    return trace


@dataclass
class Installation:
    """A `cinedge up` and its topology file."""

    data: Path

    @property
    def path(self) -> Path:
        return self.data / "topology.yaml"

    def document(self) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.safe_load(self.path.read_text())
        return loaded

    def apply(self, edit: Edit, *more: str) -> tuple[int, str]:
        """Apply the file with this edit; exit code and what was said."""
        document = self.document()
        edit(document)
        new = self.data.parent / "new.yaml"
        new.write_text(yaml.safe_dump(document, sort_keys=False))
        return self.topology("apply", str(new), *more)

    def topology(self, action: str, *words: str) -> tuple[int, str]:
        command = [*CINEDGE, "topology", action, *words, "--of", str(self.path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
        print(done.stderr)
        return done.returncode, done.stdout + done.stderr


@contextmanager
def installation(folder: Path) -> Iterator[Installation]:
    """Everything runs inside the block, with a film of ours."""
    data = folder / "up"
    made = Installation(data)
    (data / FILM_KEY).parent.mkdir(parents=True)
    (data / FILM_KEY).write_bytes(FILM)
    settle_topology(made.path, print)
    document = made.document()
    document["router_settings"] = {"probe_interval_seconds": "200ms", "hold_seconds": "500ms"}
    document["token_keys"] = [{"id": "k1", "secret": "the-first-key-of-tokens"}]
    made.path.write_text(yaml.safe_dump(document, sort_keys=False))
    with Running([*CINEDGE, "up", "--data", str(data)], cwd=ROOT) as running:
        assert running.line(120).startswith("Play:")
        yield made


@contextmanager
def audience(made: Installation) -> Iterator[Audience]:
    """Clients stream inside the block."""
    router = made.document()["routers"][0]["listen"]
    people = Audience(f"http://{router}/{FILM_KEY}")
    thread = threading.Thread(target=people.run)
    thread.start()
    try:
        wait_until(lambda: people.films >= CLIENTS, "everybody has seen a film", 120)
        yield people
    finally:
        people.stopping.set()
        thread.join(120)


def new_edge(made: Installation, name: str, site: str, port: int | None = None) -> dict[str, Any]:
    ports = free_ports(2, listed_ports(made.path.read_text()))
    return {
        "name": name,
        "site": site,
        "listen": f"{HOST}:{port or ports[0]}",
        "admin": f"{HOST}:{ports[1]}",
        "disks": [{"path": f"cache/{name}", "size_bytes": "1GiB"}],
    }


def add_site(made: Installation) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        site = {"name": "sao", "latitude": -23.5, "longitude": -46.6}
        document["sites"].append(site)
        document["edges"].append(new_edge(made, "edge-sao", "sao"))
        document["geo"]["prefixes"]["127.2.0.0/16"] = "sao"

    return edit


def move_edge(document: dict[str, Any]) -> None:
    document["edges"][-1]["site"] = "iad"
    document["sites"] = [each for each in document["sites"] if each["name"] != "sao"]
    document["geo"]["prefixes"]["127.2.0.0/16"] = "iad"


def other_blocks_and_keys(document: dict[str, Any]) -> None:
    document["edge_settings"] = {"block_bytes": "256KiB", "idle_timeout_seconds": "60s"}
    document["token_keys"].insert(0, {"id": "k2", "secret": "the-second-key-of-tokens"})


def remove_edge(document: dict[str, Any]) -> None:
    document["edges"].pop()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_viewers_notice_nothing_of_any_change(tmp_path: Path) -> None:
    with installation(tmp_path) as made, audience(made) as people:
        seconds: dict[str, float] = {}
        for name, edit in (
            ("add a site", add_site(made)),
            ("move its edge", move_edge),
            ("other blocks and keys", other_blocks_and_keys),
            ("remove the edge", remove_edge),
        ):
            films, began = people.films, time.monotonic()
            code, said = made.apply(edit)
            assert code == 0, said
            seconds[name] = time.monotonic() - began
            wait_until(lambda: people.films > films + CLIENTS, "films go on", 120)  # noqa: B023
        _fail_on_purpose(made, people)
        code, said = made.topology("rollback")
        assert code == 0, said
        assert made.document()["edges"][-1]["name"] == "edge-sao"
    print({name: round(each, 1) for name, each in seconds.items()}, people.requests, people.films)
    assert people.failures == []
    assert people.films > 5 * CLIENTS


def _fail_on_purpose(made: Installation, people: Audience) -> None:
    """The port of a new edge is somebody else's: all is taken back, and nobody notices."""
    before = made.path.read_bytes()
    with closing(socket.create_server((HOST, 0))) as taken:
        port = taken.getsockname()[1]

        def edit(document: dict[str, Any]) -> None:
            document["edges"].append(new_edge(made, "edge-new", "fra", port))
            document["edge_settings"]["block_bytes"] = "512KiB"

        code, said = made.apply(edit)
    assert code == 1
    assert "address already in use" in said.lower()
    assert "everything is as it was" in said
    assert made.path.read_bytes() == before
    code, said = made.topology("history")
    assert said.splitlines()[-1].split("  ")[3].startswith("rolled back")
    films = people.films
    wait_until(lambda: people.films > films + CLIENTS, "films go on", 120)

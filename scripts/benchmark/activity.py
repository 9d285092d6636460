"""How many events of viewers an origin takes in a second, acknowledged, and whether all are there.

    python -m scripts.benchmark.activity
    python -m scripts.benchmark.activity --database postgresql://cinedge@127.0.0.1/cinedge

An origin is started as anybody would, somebody signs in, and connections send requests with so many
events each, one request after the other. An answer counts when it accepts every event; in the end
the rows of the log are counted, and have to be as many.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
import yaml

from origin.catalog.database import open_database, parse_database_url
from origin.catalog.tables import activity
from scripts.benchmark import procfs
from scripts.benchmark.launch import HOST, Launcher, Server, free_port, wait_until_it_answers
from scripts.cli.errors import FailedError

CINEDGE: Final = (sys.executable, "-m", "scripts.cli.main")
_CASES: Final = ((100, 8), (1, 256))
"""Events in a request, and connections."""
CHEAP: Final = {"hash_memory_bytes": 65536, "hash_passes": 1, "hash_lanes": 1}
_TITLE: Final = "film"


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run came to."""

    events: int
    requests: int
    seconds: float
    cpu_seconds: float
    slowest_ms: float
    """Of the answers, the 99th of a hundred."""


def enter(server: Server, topology: Path) -> str:
    """An access token of somebody with a profile."""
    words = ("account", "add", "--role", "admin", "--link", "root@films.example", "--topology")
    made = subprocess.run(
        [*CINEDGE, *words, str(topology)], capture_output=True, text=True, check=True
    )
    link = re.search(r"token=(\S+)", made.stdout)
    if link is None:
        raise FailedError(f"no link in {made.stdout!r}")
    chosen = {"token": link[1], "password": "correct horse battery"}
    token = ask(server, "POST", "/v1/accounts/reset/confirm", chosen)["access_token"]
    profile = ask(server, "POST", "/v1/profiles", {"name": "Root"}, token)["id"]
    asked = {"profile_id": profile}
    token = str(ask(server, "POST", "/v1/sessions/profile", asked, token)["access_token"])
    ask(server, "PUT", f"/v1/titles/{_TITLE}", {"title": "Film"}, token)
    return token


def ask(server: Server, method: str, path: str, body: Any, token: str = "") -> Any:
    """One request. Raises FailedError unless it is answered with success."""
    connection = http.client.HTTPConnection(HOST, server.port, timeout=30)
    fields = {"Authorization": f"Bearer {token}"} if token else {}
    connection.request(method, path, json.dumps(body), fields)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status >= 300:
        raise FailedError(f"{method} {path}: {answer.status} {text[:300]!r}")
    return json.loads(text)


def request_of(events: int, token: str) -> bytes:
    """A request as a player sends it; the origin makes the names of the events."""
    event = {
        "kind": "heartbeat",
        "title_id": _TITLE,
        "position_seconds": 1234.5,
        "watched_seconds": 10.0,
    }
    body = json.dumps({"events": [event] * events}).encode()
    head = (
        f"POST /v1/activity HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def tell(port: int, request: bytes, events: int, until: float, took: list[float]) -> None:
    """Send the request, and again until then, noting the seconds of each answer.

    Raises FailedError.
    """
    reader, writer = await asyncio.open_connection(HOST, port)
    began = time.perf_counter()
    while True:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        if not head.startswith(b"HTTP/1.1 200") or body.count(b'"accepted"') != events:
            raise FailedError(f"not all was accepted: {head[:60]!r} {body[:200]!r}")
        ended = time.perf_counter()
        took.append(ended - began)
        if ended >= until:
            break
        began = ended
    writer.close()


async def measure(
    server: Server, token: str, events: int, connections: int, seconds: float
) -> Taken:
    """One run with so many events in a request."""
    request = request_of(events, token)
    took: list[float] = []
    cpu, began = procfs.cpu_seconds(server.pids()), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(tell(server.port, request, events, began + seconds, took))
    return Taken(
        events=len(took) * events,
        requests=len(took),
        seconds=time.perf_counter() - began,
        cpu_seconds=procfs.cpu_seconds(server.pids()) - cpu,
        slowest_ms=sorted(took)[int(0.99 * len(took))] * 1000,
    )


async def count(url: sa.URL) -> int:
    """Rows of the log."""
    database = await open_database(url)
    async with database.reading() as connection:
        found = await connection.execute(sa.select(sa.func.count()).select_from(activity))
    await database.close()
    return int(found.scalar_one())


def run(folder: Path, args: argparse.Namespace) -> None:
    """Start, measure, compare, print. Raises FailedError."""
    port, topology = free_port(), folder / "topology.yaml"
    node = {"name": "origin-1", "listen": f"{HOST}:{port}", "data": str(folder / "data")}
    node |= {"database": args.database} if args.database else {}
    document = {"origins": [node], "service": {"accounts": CHEAP}}
    topology.write_text(yaml.safe_dump(document))
    url = parse_database_url(args.database, folder / "data")
    with Launcher(folder / "logs", None) as launcher:
        command = (*CINEDGE, "origin", "--topology", str(topology))
        server = launcher.start("origin", command, port)
        wait_until_it_answers(server, "/readyz")
        token = enter(server, topology)
        before = asyncio.run(count(url))
        told = 0
        for number in range(args.rounds):
            for events, connections in _CASES[:: -1 if number % 2 else 1]:
                one = asyncio.run(measure(server, token, events, connections, args.seconds))
                told += one.events
                print(
                    f"{events:3} in a request, {connections:3} connections: "
                    f"{one.events / one.seconds:7.0f} events/s, "
                    f"{one.requests / one.seconds:6.0f} requests/s, "
                    f"{one.cpu_seconds / one.events * 1e6:6.1f} us CPU each, "
                    f"99 % of answers within {one.slowest_ms:5.0f} ms"
                )
        kept = asyncio.run(count(url)) - before
    if kept != told:
        raise FailedError(f"{told} events were acknowledged and {kept} are there")
    print(f"{told} events were acknowledged, and all are there")


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="", help="of PostgreSQL; SQLite when left out")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each run")
    parser.add_argument("--rounds", type=int, default=2)
    with tempfile.TemporaryDirectory(prefix="cinedge-activity-") as folder:
        run(Path(folder), parser.parse_args())


if __name__ == "__main__":
    main()

"""A server that answers as told, and one smoke run of the benchmark for all to look at."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scripts.benchmark.loadgen import LoadGenerator, build, find_compiler

ROOT = Path(__file__).parents[3]


@dataclass
class Behaviour:
    """What the little server does; tests bend one thing at a time."""

    body: bytes = bytes(range(256)) * 40
    status: int | None = None
    announced: int | None = None
    content_range: str | None = None
    location: str | None = None
    cut_at: int | None = None
    close_each: bool = False
    seen: list[tuple[str, str | None]] = field(default_factory=list)
    port: int = 0


@pytest.fixture
def little_server() -> Iterator[Behaviour]:
    """A real HTTP/1.1 server on loopback."""
    behaviour = Behaviour()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one segment, or a delayed ACK costs 40 ms

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            asked = self.headers["Range"]
            behaviour.seen.append((self.path, asked))
            body, status, fields = behaviour.body, 200, {}
            if asked and (found := re.fullmatch(r"bytes=(\d+)-(\d+)", asked)):
                start, last = int(found[1]), int(found[2])
                fields["Content-Range"] = f"bytes {start}-{last}/{len(body)}"
                body, status = body[start : last + 1], 206
            if behaviour.content_range:
                fields["Content-Range"] = behaviour.content_range
            if behaviour.location is not None:
                fields["Location"] = behaviour.location
            if behaviour.close_each:
                fields["Connection"] = "close"
            self.send_response(behaviour.status or status)
            fields["Content-Length"] = str(behaviour.announced or len(body))
            for name, value in fields.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: behaviour.cut_at])
            if behaviour.cut_at is not None:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    behaviour.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield behaviour
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def load_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The load generator, compiled."""
    if find_compiler() is None:
        pytest.skip("needs a C compiler (cc)")
    return build(tmp_path_factory.mktemp("loadgen"))


@pytest.fixture
def load(load_program: Path) -> LoadGenerator:
    return LoadGenerator(load_program, None)


@dataclass(frozen=True)
class SmokeRun:
    """What `scripts/bench --smoke` left behind."""

    code: int
    printed: str
    complaints: str
    found: dict[str, Any]

    def run(self, measure: str) -> dict[str, float]:
        """The only run of a measure on our server."""
        (run,) = self.found["runs"][measure]["cinedge"]
        return dict(run)


@pytest.fixture(scope="session")
def smoke(load_program: Path, tmp_path_factory: pytest.TempPathFactory) -> SmokeRun:
    """Every measure, for a moment, on our own servers only."""
    kept = tmp_path_factory.mktemp("smoke") / "run.json"
    words = [
        sys.executable,
        "-m",
        "scripts.benchmark",
        "--smoke",
        "--peers",
        "",
        "--json",
        str(kept),
    ]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert kept.exists(), done.stderr
    return SmokeRun(done.returncode, done.stdout, done.stderr, json.loads(kept.read_text()))

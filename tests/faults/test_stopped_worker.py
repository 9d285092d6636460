"""A worker that is stopped, and not dead, holds up no answer, and serves nothing that was changed.

Real processes: an edge of four workers before one origin whose content a POST replaces.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest

from edge.cache.shelves import owner_of
from edge.entry import name_of
from scripts.benchmark.box import RunningBox, wait_for
from scripts.benchmark.launch import free_port
from tests.helpers.cluster import CINEDGE, ROOT
from tests.helpers.processes import Running, wait_until

WORKERS: Final = 4
VICTIM: Final = 2
VIEWERS: Final = 24
ROUNDS: Final = 4
ANSWERED_SECONDS_MAX: Final = 8.0
"""Two to wait, and what a busy machine takes."""
PATHS: Final = {
    owner_of(name_of(f"/thing-{count}".encode()), WORKERS): f"/thing-{count}"
    for count in reversed(range(200))
}
"""A thing of each worker."""


class Viewer:
    """One connection, and to which worker the kernel gave it."""

    def __init__(self, box: RunningBox) -> None:
        self.worker, self.socket = box.connect()

    def send(self, path: str, method: str = "GET") -> None:
        length = "" if method == "GET" else "Content-Length: 0\r\n"
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: edge\r\n{length}\r\n".encode())

    def read(self) -> tuple[str, str]:
        """Head and content of an answer whose length is announced."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, content = data.partition(b"\r\n\r\n")
        text = head.decode().lower()
        length = int(text.partition("content-length:")[2].split("\r\n")[0] or "0")
        while len(content) < length:
            content += self._more()
        return text, content.decode()

    def ask(self, path: str, method: str = "GET") -> tuple[str, str]:
        self.send(path, method)
        return self.read()

    def _more(self) -> bytes:
        data = self.socket.recv(1 << 16)
        assert data, "no answer"
        return data


@contextmanager
def replaceable() -> Iterator[int]:
    """An origin whose every path says how often something was posted; its port."""
    version = [1]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            text = f"version {version[0]}".encode()
            self.send_response(200)
            self.send_header("Cache-Control", "max-age=3600")
            self.send_header("ETag", f'"{version[0]}"')
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_POST(self) -> None:
            version[0] += 1
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[RunningBox]:
    port = free_port()
    with ExitStack() as stack:
        origin = stack.enter_context(replaceable())
        words = [*CINEDGE, "edge", "--listen", f"127.0.0.1:{port}", "--workers", str(WORKERS)]
        words += ["--pull", f"http://127.0.0.1:{origin}", "--access-log", ""]
        words += ["--cache", str(tmp_path / "cache")]
        running = stack.enter_context(Running(words, cwd=ROOT))
        made = RunningBox(port, running.process.pid)
        wait_for(made, WORKERS)
        yield made


def hold(viewers: list[Viewer], path: str, version: int) -> None:
    """Every viewer has it from the lane of its worker, in this version."""

    def hits() -> bool:
        answers = [viewer.ask(path) for viewer in viewers]
        assert {content for _, content in answers} == {f"version {version}"}
        return all("; hit" in head for head, _ in answers)

    wait_until(hits, "every worker has it", 30)
    assert hits()


@pytest.mark.parametrize("owner", [VICTIM, VICTIM + 1], ids=["the-owner", "a-borrower"])
def test_what_a_stopped_worker_missed_it_does_not_serve_when_it_goes_on(
    box: RunningBox, owner: int
) -> None:
    path, stopped = PATHS[owner], box.workers[VICTIM]
    viewers = [Viewer(box) for _ in range(VIEWERS)]
    its, others = (
        [each for each in viewers if (each.worker == VICTIM) is here] for here in (True, False)
    )
    assert its
    assert others
    for version in range(1, ROUNDS + 1):
        hold(viewers, path, version)
        os.kill(stopped, signal.SIGSTOP)
        try:
            began = time.monotonic()
            head, _ = others[0].ask(path, "POST")
            assert head.startswith("http/1.1 200 ")
            assert time.monotonic() - began < ANSWERED_SECONDS_MAX
            for viewer in its:
                viewer.send(path)
        finally:
            os.kill(stopped, signal.SIGCONT)
        for viewer in its:
            assert viewer.read()[1] == f"version {version + 1}"
        for viewer in others:
            assert viewer.ask(path)[1] == f"version {version + 1}"

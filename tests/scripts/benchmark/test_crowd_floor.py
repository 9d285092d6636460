"""The floor answers a crowd once it is whole, each with an id of its own."""

from __future__ import annotations

import socket
import subprocess
import sys

from scripts.benchmark.crowd_client import ask_at_once
from scripts.benchmark.launch import free_port
from tests.helpers.cluster import ROOT
from tests.helpers.processes import wait_until


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_everybody_gets_the_first_bytes_in_an_own_name() -> None:
    port = free_port()
    words = [sys.executable, "-m", "scripts.benchmark.crowd_floor", str(port), "7"]
    with subprocess.Popen(words, cwd=ROOT) as running:
        try:
            wait_until(lambda: is_listening(port), "it listens")
            clients = ask_at_once(port, "/cold/0.mp4", 7)
        finally:
            running.kill()
    assert {each.status for each in clients} == {200}
    assert {each.left_bytes for each in clients} == {(16 << 20) - 4096}
    assert len({each.beginning.partition(b"Content-Length")[0] for each in clients}) == 7

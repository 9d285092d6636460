"""Servers that are started are waited for and ended with all their children."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts.benchmark import procfs
from scripts.benchmark.launch import Launcher, free_port, wait_until_it_answers
from scripts.cli.errors import FailedError
from tests.helpers.processes import wait_until

STUBBORN = """
import signal, subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
import time; time.sleep(60)
"""


def serve_folder(port: int) -> list[str]:
    return [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]


def test_a_server_is_ready_once_it_answers_and_gone_after_the_context(tmp_path: Path) -> None:
    port = free_port()
    with Launcher(tmp_path, None) as launcher:
        server = launcher.start("files", serve_folder(port), port)
        wait_until_it_answers(server, "/setup.cfg-not-there", 404)
        assert server.process.poll() is None
    assert server.process.poll() is not None


def test_children_are_ended_even_when_their_parent_forgets_them(tmp_path: Path) -> None:
    with Launcher(tmp_path, None) as launcher:
        server = launcher.start("parent", [sys.executable, "-c", STUBBORN], 1)
        wait_until(lambda: len(server.pids()) == 2, "the parent has a child")
        child = server.pids()[1]
    wait_until(lambda: procfs.started_ticks(child) is None, "the child is gone")


def test_a_server_that_ends_is_reported_with_what_it_wrote(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "raise SystemExit('no such setting')"]
    with Launcher(tmp_path, None) as launcher:
        server = launcher.start("broken", words, free_port())
        server.process.wait(10)
        with pytest.raises(FailedError, match=r"(?s)broken ended with 1 .*no such setting"):
            wait_until_it_answers(server, "/")

"""A crowd at a cold film: its origin sends each block once, whichever workers the viewers are at.

Real processes, the origin 20 ms away and at 1 Gbit/s. CINEDGE_TEST_CROWD_CLIENTS says how many ask
at once; 1000 is the long form.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.topology import MIB
from scripts.benchmark.box import RunningBox, wait_for
from scripts.benchmark.far_origin import FarOrigin
from scripts.benchmark.launch import free_port
from tests.helpers.cluster import CINEDGE, ROOT
from tests.helpers.film_origin import FilmOrigin, film_bytes
from tests.helpers.film_server import NOTHING, served
from tests.helpers.processes import Running

CLIENTS = int(os.environ.get("CINEDGE_TEST_CROWD_CLIENTS", "100"))
SIZE = 16 * MIB
BLOCKS = 16
ROUND_TRIP_SECONDS = 0.02
BYTES_PER_SECOND = 125e6
SLACK = 1.05
DIGEST = hashlib.sha256(film_bytes(1, 0, SIZE)).hexdigest()


@dataclass(frozen=True, slots=True)
class Placed:
    """An edge and what is behind it."""

    port: int
    film: FilmOrigin
    far: FarOrigin


@contextmanager
def edge_before_far_origin(directory: Path, workers: int) -> Iterator[Placed]:
    """An edge that serves, before an origin that is far away from then on."""
    film = FilmOrigin(SIZE, MIB)
    port = free_port()
    with ExitStack() as stack:
        far = stack.enter_context(FarOrigin(stack.enter_context(served(film)).port))
        words = [*CINEDGE, "edge", "--listen", f"127.0.0.1:{port}", "--workers", str(workers)]
        words += ["--pull", f"http://127.0.0.1:{far.port}", "--cache", str(directory / "cache")]
        words += ["--access-log", str(directory / "log")]
        running = stack.enter_context(Running(words, cwd=ROOT))
        wait_for(RunningBox(port, running.process.pid), workers)
        # One idle connection to the origin, as in service.
        assert httpx.get(f"http://127.0.0.1:{port}{NOTHING}").status_code == 204
        far.place(ROUND_TRIP_SECONDS, BYTES_PER_SECOND)
        far.take_counts()
        yield Placed(port, film, far)


def crowd(placed: Placed, path: str) -> dict[str, Any]:
    """What became of the viewers."""
    command = [
        sys.executable,
        "-m",
        "scripts.benchmark.crowd_client",
        str(placed.port),
        path,
        str(CLIENTS),
    ]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("workers", [1, 4])
def test_the_origin_sends_a_crowd_each_block_once(tmp_path: Path, workers: int) -> None:
    with edge_before_far_origin(tmp_path, workers) as placed:
        told = crowd(placed, "/film.mp4")
        pulled = placed.far.take_counts()
    added = told["added_ms"]
    print(
        f"{CLIENTS} clients, {workers} workers: leader {told['leader_ms']:.1f} ms, followers "
        f"+{statistics.median(added):.1f} ms at the median, +{added[-1]:.1f} at most (asked within "
        f"{told['asked_ms']:.1f} ms), all done after {told['seconds']:.1f} s, "
        f"{pulled.bytes / MIB:.2f} MiB in {pulled.requests} requests"
    )
    assert told["statuses"] == {"200": CLIENTS}
    assert told["digests"] == {DIGEST: CLIENTS}
    assert dict(placed.film.sent) == dict.fromkeys(range(BLOCKS), MIB)
    assert pulled.bytes <= SLACK * SIZE

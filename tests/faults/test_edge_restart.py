"""kill -9 under load, start: what was held is held, and not one wrong byte comes of it.

Real processes. A byte flipped on disk while the edge is down is found before it is served, and the
block is fetched again.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.topology import KIB
from tests.helpers.cluster import Cluster
from tests.helpers.processes import wait_until

BLOCK_BYTES = 64 * KIB
BLOCKS = 100
SIZE = BLOCKS * BLOCK_BYTES
KEY = "films/restart.bin"
CONTENT = random.Random(8).randbytes(SIZE)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    def edit(document: dict[str, Any]) -> None:
        for edge in document["edges"]:
            edge["settings"]["block_bytes"] = BLOCK_BYTES

    with Cluster(tmp_path_factory.mktemp("cluster"), edit) as started:
        started.put(KEY, CONTENT)
        yield started


def ask(http: httpx.Client, url: str, block: int) -> httpx.Response:
    start = block * BLOCK_BYTES
    fields = {"Range": f"bytes={start}-{start + BLOCK_BYTES - 1}"}
    answer = http.get(f"{url}/{KEY}", headers=fields)
    assert answer.status_code == 206
    assert answer.content == CONTENT[start : start + BLOCK_BYTES]
    return answer


def hits(url: str) -> int:
    """How many of the blocks are hits, each asked for once."""
    with httpx.Client(timeout=30) as http:
        answers = [ask(http, url, block) for block in range(BLOCKS)]
    return sum("; hit" in answer.headers["Cache-Status"] for answer in answers)


def blocks_on_disk(cluster: Cluster, name: str) -> list[Path]:
    (edge,) = (edge for edge in cluster.topology.edges if edge.name == name)
    root = Path(edge.disks[0].path)
    root = root if root.is_absolute() else cluster.data / root
    return sorted(path for path in root.rglob("*-*") if path.stat().st_size > BLOCK_BYTES)


def kill_under_load(cluster: Cluster, name: str) -> None:
    """Eight clients read all the time; the edge dies among them."""
    stop, url = threading.Event(), cluster.edges[name]
    answers = [0] * 8

    def read(client: int) -> None:
        chance = random.Random(client)
        with httpx.Client(timeout=30) as http:
            while not stop.is_set():
                try:
                    ask(http, url, chance.randrange(BLOCKS))
                except httpx.TransportError:
                    return
                answers[client] += 1

    with ThreadPoolExecutor(8) as threads:
        reading = [threads.submit(read, client) for client in range(8)]
        try:
            wait_until(
                lambda: all(answers) or any(each.done() for each in reading),
                "every client is served",
                60,
            )
            cluster.kill(name)
        finally:
            stop.set()
        for each in reading:
            each.result()
    assert all(answers)


def start_again(cluster: Cluster, name: str) -> None:
    cluster.start("edge", name)

    def ready() -> bool:
        try:
            return httpx.get(f"{cluster.edges[name]}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    wait_until(ready, "it is ready again", 30)


def test_after_a_kill_the_hit_ratio_is_at_once_what_it_was(cluster: Cluster) -> None:
    name, url = next(iter(cluster.edges.items()))
    hits(url)
    wait_until(lambda: len(blocks_on_disk(cluster, name)) == BLOCKS, "all is on disk")
    assert hits(url) == BLOCKS
    kill_under_load(cluster, name)
    start_again(cluster, name)
    assert hits(url) == BLOCKS


def test_a_flipped_byte_never_leaves_the_box_and_is_fetched_again(cluster: Cluster) -> None:
    name, url = list(cluster.edges.items())[1]
    hits(url)
    wait_until(lambda: len(blocks_on_disk(cluster, name)) == BLOCKS, "all is on disk")
    cluster.kill(name)
    chance = random.Random(9)
    flipped = chance.sample(blocks_on_disk(cluster, name), 10)
    for path in flipped:
        data = bytearray(path.read_bytes())
        data[chance.randrange(BLOCK_BYTES)] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
    start_again(cluster, name)
    # `ask` compares every byte of every answer.
    assert hits(url) >= BLOCKS - len(flipped)
    wait_until(lambda: len(blocks_on_disk(cluster, name)) == BLOCKS, "all is there again")
    assert hits(url) == BLOCKS

"""A purge over real edges: all have done it within a second, and a killed one brings nothing back.

The film is in the cache of every edge in as many blocks as a film of 10 GB has; blocks are smaller
here so that it fits anywhere. CINEDGE_TEST_PURGE_BLOCKS says how many; 10240 is the long form.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from config.topology import KIB
from tests.helpers.cluster import Cluster
from tests.helpers.processes import wait_until
from tests.helpers.versioned_origin import VersionedOrigin, versioned_origin

BLOCK_BYTES = 64 * KIB
BLOCKS = int(os.environ.get("CINEDGE_TEST_PURGE_BLOCKS", "1024"))
SIZE = BLOCKS * BLOCK_BYTES
PATH = "/ext/film.mp4"
P99_MS_MAX = 1000.0
PLACES = [0, SIZE // 3, SIZE // 2, SIZE - 1000]


@pytest.fixture(scope="module")
def film() -> Iterator[VersionedOrigin]:
    with versioned_origin(SIZE) as origin:
        yield origin


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, film: VersionedOrigin) -> Iterator[Cluster]:
    def edit(document: dict[str, Any]) -> None:
        document["routes"] = [{"prefix": "/"}, {"prefix": "/ext/", "upstream": [f"{film.url}/"]}]
        for edge in document["edges"]:
            edge["disks"][0]["size_bytes"] = 4 * SIZE
            edge["settings"]["block_bytes"] = BLOCK_BYTES
            edge["workers"] = 1

    with Cluster(tmp_path_factory.mktemp("cluster"), edit) as started:
        yield started


def watch(url: str) -> None:
    """Read all of it, so that the edge holds it."""
    with httpx.stream("GET", url + PATH, timeout=120) as answer:
        assert answer.status_code == 200
        assert sum(len(piece) for piece in answer.iter_raw(1 << 20)) == SIZE


def watch_everywhere(cluster: Cluster) -> None:
    with ThreadPoolExecutor(len(cluster.edges)) as threads:
        list(threads.map(watch, cluster.edges.values()))


def looked(url: str, start: int) -> tuple[set[int], str]:
    """The versions in a part, and what the edge says of it."""
    fields = {"Range": f"bytes={start}-{start + 999}"}
    answer = httpx.get(url + PATH, headers=fields, timeout=30)
    assert answer.status_code == 206, answer.text
    return set(answer.content), answer.headers["Cache-Status"]


def purge(cluster: Cluster) -> str:
    """Give the order; where to look for it."""
    answer = httpx.post(f"{cluster.origin}/v1/purge", json={"object": PATH})
    assert answer.status_code == 202, answer.text
    return cluster.origin + answer.headers["Location"]


def states(where: str) -> dict[str, str]:
    return {edge["name"]: edge["state"] for edge in httpx.get(where).json()["edges"]}


@pytest.mark.alone
def test_a_purge_is_done_everywhere_within_a_second(
    cluster: Cluster, film: VersionedOrigin
) -> None:
    watch_everywhere(cluster)
    assert all("hit" in looked(url, 0)[1] for url in cluster.edges.values())
    film.version += 1
    old, new = {film.version - 1}, {film.version}
    assert all(looked(url, 0)[0] == old for url in cluster.edges.values())
    where = purge(cluster)
    wait_until(lambda: set(states(where).values()) == {"done"}, "all have done it")
    order = httpx.get(where).json()
    print("purge of", BLOCKS, "blocks:", {e["name"]: e["ms"] for e in order["edges"]})
    assert order["p99_ms"] < P99_MS_MAX
    for url in cluster.edges.values():
        assert [looked(url, start)[0] for start in PLACES] == [new] * len(PLACES)


@pytest.mark.parametrize("after_seconds", [None, 0.0, 0.01])
def test_an_edge_killed_in_the_middle_of_a_purge_brings_nothing_back(
    cluster: Cluster, film: VersionedOrigin, after_seconds: float | None
) -> None:
    name = next(iter(cluster.edges))
    watch_everywhere(cluster)
    film.version += 1
    if after_seconds is None:
        # It hears nothing of the purge before it dies.
        os.killpg(cluster.pid(name), signal.SIGSTOP)
    where = purge(cluster)
    if after_seconds is None:
        others = {edge for edge in cluster.edges if edge != name}
        wait_until(lambda: all(states(where)[edge] == "done" for edge in others), "others are done")
        assert states(where)[name] != "done"
    else:
        time.sleep(after_seconds)  # the moment of the accident, nothing that is waited for
    cluster.kill(name)
    cluster.start("edge", name)
    url, seen = cluster.edges[name], set[int]()

    def answers() -> bool:
        try:
            seen.update(looked(url, PLACES[1])[0])
        except httpx.TransportError:
            return False
        return True

    wait_until(answers, "it serves again", 30)
    for start in PLACES:
        seen |= looked(url, start)[0]
    assert seen == {film.version}
    wait_until(lambda: states(where)[name] == "done", "it has said that it is done")

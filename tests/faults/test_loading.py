"""kill -9 while an edge still finds what it holds: a purge it had obeyed is not forgotten.

Real processes. So many empty entries lie beside the film that finding them takes a while; the edge
is asked, given a purge and killed before it is through.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.topology import KIB
from edge.cache.records import record_of
from edge.entry import name_of
from tests.edge.made import an_entry
from tests.helpers.cluster import Cluster
from tests.helpers.processes import wait_until
from tests.helpers.versioned_origin import VersionedOrigin, versioned_origin

BLOCK_BYTES = 64 * KIB
SIZE = 40 * BLOCK_BYTES + 5
KEPT, PURGED = "/ext/kept.mp4", "/ext/purged.mp4"
BESIDE = 8_000


@pytest.fixture(scope="module")
def film() -> Iterator[VersionedOrigin]:
    with versioned_origin(SIZE) as origin:
        yield origin


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, film: VersionedOrigin) -> Iterator[Cluster]:
    def edit(document: dict[str, Any]) -> None:
        document["routes"] = [{"prefix": "/"}, {"prefix": "/ext/", "upstream": [f"{film.url}/"]}]
        del document["edges"][1:]
        document["edges"][0]["settings"]["block_bytes"] = BLOCK_BYTES
        document["edges"][0]["workers"] = 1

    with Cluster(tmp_path_factory.mktemp("cluster"), edit) as started:
        yield started


def cache_of(cluster: Cluster) -> Path:
    path = Path(cluster.topology.edges[0].disks[0].path)
    return path if path.is_absolute() else cluster.data / path


def put_beside(cache: Path) -> None:
    """Entries without blocks, so many that finding them all takes long."""
    record = record_of(an_entry(100))
    for number in range(BESIDE):
        key = f"/beside/{number}"
        object_id = name_of(key.encode())
        folder = cache / object_id[:2] / object_id
        folder.mkdir(parents=True)
        (folder / "entry").write_text(json.dumps({**record, "key": key}))


def body(url: str, path: str) -> tuple[set[int], str]:
    answer = httpx.get(url + path, timeout=30)
    assert (answer.status_code, len(answer.content)) == (200, SIZE)
    return set(answer.content), answer.headers["Cache-Status"]


def state(url: str) -> str:
    try:
        return str(httpx.get(f"{url}/readyz", timeout=30).json()["status"])
    except httpx.TransportError:
        return "down"


def test_a_purge_obeyed_while_loading_outlives_a_kill(
    cluster: Cluster, film: VersionedOrigin
) -> None:
    (name,) = cluster.edges
    url, cache = cluster.edges[name], cache_of(cluster)
    cluster.put("films/any.bin", b"something for the journal to tell")
    for path in (KEPT, PURGED):
        body(url, path)
    # Without a place in the journal everything held would be in doubt.
    wait_until(lambda: list(cache.glob("feed-*.json")) != [], "the place is kept")
    wait_until(lambda: len(list(cache.glob("??/*/*-*"))) == 82, "both are on disk")
    cluster.kill(name)
    put_beside(cache)
    cluster.start("edge", name)
    wait_until(lambda: state(url) == "loading", "it serves and still loads", 30)
    found, said = body(url, KEPT)
    assert (found, "; hit" in said) == ({1}, True)
    film.version = 2
    answer = httpx.post(f"{cluster.origin}/v1/purge", json={"object": PURGED})
    where = cluster.origin + answer.headers["Location"]

    def told() -> set[str]:
        return {edge["state"] for edge in httpx.get(where).json()["edges"]}

    wait_until(lambda: told() == {"done"}, "it has obeyed")
    assert state(url) == "loading"
    cluster.kill(name)
    cluster.start("edge", name)
    wait_until(lambda: state(url) in ("loading", "ready"), "it serves again", 30)
    assert body(url, PURGED)[0] == {2}
    assert body(url, KEPT)[0] == {1}
    wait_until(lambda: state(url) == "ready", "all is found", 60)
    assert body(url, PURGED)[0] == {2}
    assert name_of(PURGED.encode()) in os.listdir(cache / name_of(PURGED.encode())[:2])

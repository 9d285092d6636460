"""The edge in use dies: the router stops naming it, and a client that comes back plays on."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.helpers.cluster import ADDRESSES, Cluster, client
from tests.helpers.processes import wait_until

KEY = "films/long.mp4"
SIZE = 80 * 1024 * 1024 + 13
OUT_SECONDS = 3.0
CONTENT = random.Random(30).randbytes(SIZE)


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """One for each test: they leave it broken."""
    with Cluster(tmp_path) as started:
        started.put(KEY, CONTENT, "video/mp4")
        yield started


def play_on(cluster: Cluster, http: httpx.Client) -> Iterator[bytes]:
    """Read to the end, coming back to the router whenever an edge fails."""
    position, etag = 0, ""
    deadline = time.monotonic() + 30
    while position < SIZE:
        fields = {"Range": f"bytes={position}-"} | ({"If-Range": etag} if etag else {})
        try:
            with http.stream("GET", f"{cluster.router}/{KEY}", headers=fields) as answer:
                answer.raise_for_status()
                assert answer.status_code == 206
                etag = answer.headers["ETag"]
                for piece in answer.iter_raw(256 * 1024):
                    position += len(piece)
                    yield piece
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise


def test_client_plays_on_when_its_edge_is_killed(own_cluster: Cluster) -> None:
    played = bytearray()
    with client(ADDRESSES["iad"]) as http:
        for piece in play_on(own_cluster, http):
            played += piece
            if len(played) > 2 * 1024 * 1024 and own_cluster.is_running("edge-iad"):
                own_cluster.kill("edge-iad")
    assert not own_cluster.is_running("edge-iad")
    assert played == CONTENT
    assert own_cluster.edge_for(KEY, ADDRESSES["iad"]) != "edge-iad"


@pytest.mark.alone
def test_dead_edge_leaves_new_answers_within_three_seconds_and_stays_out(
    own_cluster: Cluster,
) -> None:
    address = ADDRESSES["sin"]
    assert own_cluster.edge_for(KEY, address) == "edge-sin"
    own_cluster.kill("edge-sin")
    out = wait_until(lambda: own_cluster.edge_for(KEY, address) != "edge-sin", "it is left out")
    assert out < OUT_SECONDS
    for each in ADDRESSES.values():
        with client(each) as http:
            body = http.get(f"{own_cluster.router}/v1/route", params={"path": f"/{KEY}"}).json()
        assert "edge-sin" not in {edge["name"] for edge in body["edges"]}
    assert own_cluster.fleet()["edge-sin"] == "down"


def has_heard_of_the_film(cache: Path) -> bool:
    """Killed before this, the edge would rightly trust nothing it holds without asking."""
    places = [json.loads(path.read_text())["sequence"] for path in cache.glob("feed-*.json")]
    return any(places)


def test_edge_that_comes_back_is_named_again_and_still_holds_its_blocks(
    own_cluster: Cluster,
) -> None:
    address = ADDRESSES["sin"]
    cache = Path(own_cluster.topology.edges[2].disks[0].path)
    # What is fetched before the journal is heard has to be asked about again.
    wait_until(lambda: has_heard_of_the_film(cache), "its place in the journal is on disk")
    with client(address) as http:
        http.get(f"{own_cluster.router}/{KEY}", headers={"Range": "bytes=0-99"})
    wait_until(lambda: holds_first_block(cache), "the block is on disk")
    own_cluster.kill("edge-sin")
    wait_until(lambda: own_cluster.edge_for(KEY, address) != "edge-sin", "it is left out")
    own_cluster.start("edge", "edge-sin")
    wait_until(lambda: own_cluster.edge_for(KEY, address) == "edge-sin", "it is named again", 15)
    with client(address) as http:
        answer = http.get(f"{own_cluster.router}/{KEY}", headers={"Range": "bytes=0-99"})
    assert answer.content == CONTENT[:100]
    assert "hit" in answer.headers["Cache-Status"]


def holds_first_block(cache: Path) -> bool:
    names = {path.name for path in cache.rglob("*") if path.is_file()}
    return "entry" in names and any(name.endswith("-0") for name in names)


def test_film_plays_from_the_edges_while_the_origin_is_gone(own_cluster: Cluster) -> None:
    with client(ADDRESSES["fra"]) as http:
        url = f"{own_cluster.router}/{KEY}"
        first = http.get(url, headers={"Range": "bytes=0-999999"})
        own_cluster.kill("origin")
        again = http.get(url, headers={"Range": "bytes=0-999999"})
    assert (first.status_code, again.status_code) == (206, 206)
    assert first.content == again.content == CONTENT[:1_000_000]

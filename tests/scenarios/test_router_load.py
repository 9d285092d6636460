"""A full edge says so itself, and the router puts it behind others until it has room again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.helpers.cluster import ADDRESSES, Cluster, client
from tests.helpers.processes import wait_until

KEY = "films/load.mp4"
SIZE = 4 * 1024 * 1024


def narrow(document: dict[str, Any]) -> None:
    for edge in document["edges"]:
        edge["capacity_bits_per_second"] = 1_000_000


@pytest.fixture
def narrowed(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path, narrow) as started:
        started.put(KEY, random.Random(1).randbytes(SIZE), "video/mp4")
        yield started


def test_an_edge_over_its_capacity_is_overloaded_until_the_load_is_over(narrowed: Cluster) -> None:
    def told() -> dict[str, Any]:
        edges = httpx.get(f"{narrowed.router}/v1/fleet").json()["edges"]
        found: dict[str, Any] = next(edge for edge in edges if edge["name"] == "edge-fra")
        return found

    def explained() -> dict[str, Any]:
        query = {"path": f"/{KEY}", "ip": ADDRESSES["fra"]}
        answer = httpx.get(f"{narrowed.router}/v1/explain", params=query)
        body: dict[str, Any] = answer.json()
        return body

    assert explained()["rung"] == "healthy-in-site"
    with client(ADDRESSES["fra"]) as http:
        assert len(http.get(f"{narrowed.router}/{KEY}").content) == SIZE
    wait_until(lambda: bool(told()["overloaded"]), "the edge is overloaded")
    assert told()["load"] >= 1.0
    body = explained()
    assert body["rung"] == "overloaded-in-site"
    assert body["edges"][0]["reasons"][-1].startswith("up, overloaded (load ")
    wait_until(lambda: not told()["overloaded"], "the load is over", 20)
    assert explained()["rung"] == "healthy-in-site"

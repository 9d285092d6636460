"""An edge of several workers has done a purge when each of them has."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.helpers.cluster import Cluster
from tests.helpers.processes import wait_until

WORKERS = 3
KEY = "films/workers.bin"
TRIES = 12


def test_every_worker_answers_for_itself(tmp_path_factory: pytest.TempPathFactory) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["edges"][0]["workers"] = WORKERS

    with Cluster(tmp_path_factory.mktemp("cluster"), edit) as cluster:
        cluster.put(KEY, b"content" * 1000)
        url = next(iter(cluster.edges.values()))

        def statuses() -> list[str]:
            # A new connection each time: the kernel picks the worker.
            return [httpx.get(f"{url}/{KEY}").headers["Cache-Status"] for _ in range(TRIES)]

        wait_until(lambda: all("; hit" in each for each in statuses()), "every worker holds it", 30)
        answer = httpx.post(f"{cluster.origin}/v1/purge", json={"object": KEY})
        where = cluster.origin + answer.headers["Location"]
        wait_until(lambda: httpx.get(where).json()["state"] == "done", "all have done it")
        edges = {edge["name"]: edge for edge in httpx.get(where).json()["edges"]}
        assert edges.keys() == cluster.edges.keys()
        assert any("; hit" not in each for each in statuses())

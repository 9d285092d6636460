"""Edges that fall silent: left while others are well, named when nobody better is."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.helpers.cluster import ADDRESSES, Cluster, client
from tests.helpers.processes import wait_until

pytestmark = pytest.mark.alone

OUT_SECONDS = 3.0
KEY = "films/a.mp4"


@contextmanager
def silenced(cluster: Cluster, *names: str) -> Iterator[None]:
    for name in names:
        os.killpg(cluster.pid(name), signal.SIGSTOP)
    try:
        yield
    finally:
        for name in names:
            if cluster.is_running(name):
                os.killpg(cluster.pid(name), signal.SIGCONT)


def test_a_stopped_edge_is_left_in_three_seconds_and_all_stopped_are_still_named(
    tmp_path: Path,
) -> None:
    with Cluster(tmp_path) as cluster:
        address = ADDRESSES["sin"]
        assert cluster.edge_for(KEY, address) == "edge-sin"
        with silenced(cluster, "edge-sin"):
            out = wait_until(lambda: cluster.edge_for(KEY, address) != "edge-sin", "it is left")
            assert out < OUT_SECONDS
            with silenced(cluster, "edge-fra", "edge-iad"):
                wait_until(lambda: set(cluster.fleet().values()) == {"slow"}, "all are slow")
                assert cluster.edge_for(KEY, address) == "edge-sin"
                told = explained(cluster, address)
                assert (told["rung"], told["count"]) == ("slow", 3)
                os.killpg(cluster.pid("edge-sin"), signal.SIGKILL)
                wait_until(lambda: cluster.fleet()["edge-sin"] == "down", "it is dead")
                assert cluster.edge_for(KEY, address) != "edge-sin"
        wait_until(lambda: cluster.fleet()["edge-fra"] == "up", "they are back", 15)
        assert explained(cluster, address)["rung"] == "nearest-healthy"


def explained(cluster: Cluster, address: str) -> dict[str, object]:
    with client(address) as http:
        answer = http.get(f"{cluster.router}/v1/explain", params={"title": KEY})
    assert answer.status_code == httpx.codes.OK
    body = answer.json()
    return {"rung": body["rung"], "count": len(body["edges"])}

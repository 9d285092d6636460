"""A package is published once enough real edges hold its first blocks, and not before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.helpers.cluster import Cluster
from tests.helpers.playback import publish
from tests.helpers.processes import wait_until


def ask_for_all(document: dict[str, Any]) -> None:
    document["origins"][0]["packaging"] = {"placed_edges": 3, "pictures": False}


@pytest.fixture(scope="module")
def demanding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("placed"), ask_for_all) as started:
        yield started


def test_published_package_is_at_hand_at_every_edge(demanding: Cluster, film: Path) -> None:
    played = publish(demanding, "placed", film, "edge-fra")
    for url in demanding.edges.values():
        answer = httpx.get(
            f"{url}/{played.package['progressive']}", headers={"Range": "bytes=0-65535"}
        )
        assert answer.status_code == 206
        assert "; hit" in answer.headers["Cache-Status"]


def test_package_waits_while_an_edge_is_gone(demanding: Cluster, film: Path) -> None:
    demanding.kill("edge-sin")
    key = "films/waits.mp4"
    demanding.put(key, film.read_bytes(), "video/mp4")
    url = f"{demanding.origin}/v1/titles/waits"
    httpx.put(url, json={"title": "Waits", "media": key}).raise_for_status()
    httpx.post(f"{url}/packaging").raise_for_status()

    def job() -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{url}/packaging").raise_for_status().json()
        return found

    wait_until(lambda: job().get("reason", "") != "", "it says what is missing", 30)
    assert job()["state"] == "packaged"
    assert job()["reason"] == "2 of 3 edges hold the first blocks"
    assert "published" not in job()
    demanding.start("edge", "edge-sin")
    wait_until(lambda: job()["state"] == "published", "it is published", 60)

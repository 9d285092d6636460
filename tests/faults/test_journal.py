"""An edge believes what its journal told without a gap, and nothing that another journal says.

Real processes. What the origin was asked is read from its log.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.helpers.cluster import Cluster
from tests.helpers.processes import wait_until

EDGE = "edge-fra"
CANARY, *KEYS = (f"films/{number}.bin" for number in range(4))
FILMS = {key: random.Random(key).randbytes(100_000) for key in (CANARY, *KEYS)}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as started:
        for key, content in FILMS.items():
            started.put(key, content)
        yield started


def ask(cluster: Cluster, key: str) -> httpx.Response:
    return httpx.get(f"{cluster.edges[EDGE]}/{key}", timeout=30)


def status_of(cluster: Cluster, key: str) -> str:
    answer = ask(cluster, key).raise_for_status()
    assert answer.content == FILMS[key]
    return answer.headers["Cache-Status"].removeprefix("cinedge;").strip()


def is_hit(cluster: Cluster, key: str) -> bool:
    return "; hit" in status_of(cluster, key)


def place_of(cluster: Cluster) -> Path:
    (edge,) = (edge for edge in cluster.topology.edges if edge.name == EDGE)
    return next((cluster.data / edge.disks[0].path).rglob("feed-*.json"))


def hold_all(cluster: Cluster) -> None:
    """Films and the place are on the edge's disk, so that a start finds them."""
    for key in FILMS:
        wait_until(partial(is_hit, cluster, key), f"{key} is held", 30)
    last = httpx.get(f"{cluster.origin}/v1/changes?limit=1000").json()["last"]
    wait_until(lambda: f'"sequence": {last},' in place_of(cluster).read_text(), "the place", 30)


def end(cluster: Cluster, name: str) -> None:
    cluster.processes[name].ask_to_stop()
    cluster.processes[name].end(60)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").is_success
    except httpx.TransportError:
        return False


def start(cluster: Cluster, tier: str, name: str, url: str) -> None:
    cluster.start(tier, name)
    wait_until(partial(answers, url), f"{name} is ready", 60)


def asked_of_origin(cluster: Cluster) -> list[str]:
    lines = cluster.access_log(cluster.topology.origins[0].name)
    return [line["path"].removeprefix("/v1/content/") for line in lines if "path" in line]


def test_an_edge_started_before_its_origin_asks_about_nothing_it_holds(cluster: Cluster) -> None:
    origin = cluster.topology.origins[0].name
    hold_all(cluster)
    for name in (EDGE, origin):
        end(cluster, name)
    start(cluster, "edge", EDGE, cluster.edges[EDGE])
    assert ask(cluster, CANARY).headers["Cache-Status"].find("; hit") < 0, "nobody is heard"
    asked = len(asked_of_origin(cluster))
    start(cluster, "origin", origin, cluster.origin)
    wait_until(partial(is_hit, cluster, CANARY), "the journal is heard", 30)
    assert all(is_hit(cluster, key) for key in KEYS)
    assert not set(KEYS) & set(asked_of_origin(cluster)[asked:])


def test_what_was_held_under_another_journal_is_asked_for_once_also_by_later_lives(
    cluster: Cluster,
) -> None:
    """A catalog that was put back by hand, with the numbers that the edge knows."""
    origin = cluster.topology.origins[0].name
    hold_all(cluster)
    end(cluster, origin)
    catalog = sqlite3.connect(next(cluster.data.rglob("catalog.sqlite")))
    with closing(catalog), catalog:
        catalog.execute("UPDATE counters SET value = value / 2 + 1 WHERE name = 'journal_name'")
    before = place_of(cluster).read_text()
    start(cluster, "origin", origin, cluster.origin)
    wait_until(lambda: place_of(cluster).read_text() != before, "the new place is kept", 60)
    asks_again = "fwd=stale; fwd-status=304"
    assert asks_again in status_of(cluster, KEYS[0])
    for key in KEYS[1:]:
        end(cluster, EDGE)
        start(cluster, "edge", EDGE, cluster.edges[EDGE])
        assert is_hit(cluster, KEYS[0])
        assert asks_again in status_of(cluster, key)
        assert is_hit(cluster, key)

"""A backup of an origin that is being uploaded to, the loss of that origin, and what players get.

Everything is the real thing: processes, the command, edges that hold bytes of the lost life.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from tests.helpers.cluster import ADDRESSES, CINEDGE, ROOT, Cluster, client
from tests.helpers.processes import wait_until

FILM = "films/long.mp4"
BEFORE, AFTER = (random.Random(seed).randbytes(3 * 1024 * 1024 + 5) for seed in (1, 2))


def small_extents(document: dict[str, Any]) -> None:
    """Objects of several extents, over two volumes."""
    document["origins"][0] |= {
        "extent_bytes": "64KiB",
        "volumes": [{"name": name, "path": f"volumes/{name}"} for name in ("one", "two")],
    }


def backup(cluster: Cluster, action: str, *words: str) -> str:
    command = (*CINEDGE, "backup", action, str(cluster.data.parent / "backups"), *words)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def lose_and_restore(cluster: Cluster) -> None:
    """The origin's machine is gone with all its disks; another takes its place."""
    cluster.kill("origin")
    for name in ("origin", "volumes"):
        shutil.rmtree(cluster.data / name)
    backup(cluster, "verify")
    backup(cluster, "restore", "--of", str(cluster.topology_path))
    cluster.start("origin", "origin")
    wait_until(lambda: answers(f"{cluster.origin}/readyz"), "the restored origin is ready", 60)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=30).status_code == 200
    except httpx.HTTPError:
        return False


class Uploading:
    """Uploads and replaces films without a pause, and knows which were acknowledged when."""

    def __init__(self, url: str) -> None:
        self.acknowledged: dict[str, list[str]] = defaultdict(list)
        self.begun: dict[str, list[str]] = defaultdict(list)
        self._url = url
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._upload, args=(n,)) for n in range(3)]

    def _upload(self, number: int) -> None:
        chance = random.Random(number)
        with httpx.Client(timeout=60) as http:
            # As fast as they can, they would take the machine from what is tried.
            while not self._over.wait(0.05):
                key = f"films/{number}-{chance.randrange(8)}"
                content = chance.randbytes(chance.choice([0, 10, 70_000, 200_000]))
                digest = hashlib.sha256(content).hexdigest()
                self.begun[key].append(digest)
                answer = http.put(f"{self._url}/v1/content/{key}", content=content)
                assert answer.status_code in (200, 201), answer.text
                self.acknowledged[key].append(digest)

    @property
    def count(self) -> int:
        return sum(map(len, list(self.acknowledged.values())))

    def __enter__(self) -> Uploading:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


@dataclass
class Story:
    """What happened until the origin was back: the cluster, and what had been acknowledged."""

    cluster: Cluster
    acknowledged: dict[str, list[str]]
    begun: dict[str, list[str]]
    told: dict[str, Any]
    lost_changes: int


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    data = tmp_path_factory.mktemp("backup") / "cdn"
    data.mkdir()
    with Cluster(data, small_extents) as cluster:
        cluster.put(FILM, BEFORE, "video/mp4")
        with Uploading(cluster.origin) as uploading:
            wait_until(lambda: uploading.count >= 30, "films come in", 60)
            before = {key: list(some) for key, some in uploading.acknowledged.copy().items()}
            told = json.loads(backup(cluster, "make", "--of", str(cluster.topology_path), "--json"))
            began = {key: list(some) for key, some in uploading.begun.copy().items()}
            seen = uploading.count
            wait_until(lambda: uploading.count > seen, "films still come in", 60)
        cluster.put(FILM, AFTER, "video/mp4")
        assert [played(cluster, each) for each in ADDRESSES.values()] == [AFTER] * 3
        # One edge is away during all of it, and comes back when the journal has gone on.
        cluster.processes["edge-sin"].ask_to_stop()
        cluster.processes["edge-sin"].end(60)
        last = httpx.get(f"{cluster.origin}/v1/changes?after={1 << 40}").json()["last"]
        lose_and_restore(cluster)
        yield Story(cluster, before, began, told, last - told["journal"])


def test_what_was_acknowledged_before_the_backup_survives_the_loss_of_the_origin(
    story: Story,
) -> None:
    assert story.told["lost"] == []
    assert story.told["objects"] >= len(story.acknowledged)
    with httpx.Client(base_url=story.cluster.origin, timeout=60) as http:
        for key, digests in story.acknowledged.items():
            content = http.get(f"/v1/content/{key}").raise_for_status().content
            # What was acknowledged last, or something that came while the backup was made.
            allowed = {digests[-1], *story.begun[key][len(digests) :]}
            assert hashlib.sha256(content).hexdigest() in allowed
        assert http.put("/v1/content/films/0-0", content=b"goes on").status_code == 200


def test_edges_serve_nothing_of_the_life_that_was_lost(story: Story) -> None:
    cluster = story.cluster
    # Counting on would by now be past all that any edge has seen.
    with httpx.Client(base_url=cluster.origin, timeout=60) as http:
        for number in range(story.lost_changes + 5):
            answer = http.put(f"/v1/content/films/other-{number}", content=b"of another life")
            assert answer.status_code == 201
    for name in ("edge-fra", "edge-iad"):
        wait_until(partial(is_right, cluster, name), f"{name} knows", 30)
    cluster.start("edge", "edge-sin")
    wait_until(lambda: cluster.fleet()["edge-sin"] == "up", "edge-sin is up again", 60)
    assert is_right(cluster, "edge-sin"), "it is not up before it has heard of the restore"
    assert [played(cluster, each) for each in ADDRESSES.values()] == [BEFORE] * 3


def played(cluster: Cluster, address: str) -> bytes:
    with client(address) as http:
        answer = http.get(f"{cluster.router}/{FILM}", follow_redirects=True)
    return answer.raise_for_status().content


def is_right(cluster: Cluster, name: str) -> bool:
    url = f"{cluster.edges[name]}/{FILM}"
    content = httpx.get(url, timeout=60).raise_for_status().content
    assert content in (BEFORE, AFTER)
    return content == BEFORE

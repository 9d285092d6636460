"""Memory does not grow with the size of a film: not where it goes in, nor where it comes out.

CINEDGE_TEST_UPLOAD_BYTES sets the size; 2147483648 is the long form that the promise is made for.
"""

from __future__ import annotations

import hashlib
import http.client
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.helpers.cluster import Cluster
from tests.helpers.processes import peak_memory_bytes

MIB = 1024 * 1024
SIZE = int(os.environ.get("CINEDGE_TEST_UPLOAD_BYTES", 256 * MIB))
GROWTH_MAX = 64 * MIB
CLIENTS = 10
KEY = "films/large.mp4"

pytestmark = pytest.mark.timeout(60 + SIZE // MIB)


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster whose edges have room for the whole film."""

    def edit(document: dict[str, Any]) -> None:
        for edge in document["edges"]:
            edge["disks"][0]["size_bytes"] = 2 * SIZE

    with Cluster(tmp_path_factory.mktemp("memory"), edit) as started:
        yield started


def pieces() -> Iterator[bytes]:
    """SIZE bytes, no two mebibytes alike, without holding them."""
    for number in range(SIZE // MIB):
        yield number.to_bytes(8, "big") * (MIB // 8)
    yield bytes(SIZE % MIB)


@pytest.fixture(scope="module")
def expected() -> str:
    digest = hashlib.sha256()
    for piece in pieces():
        digest.update(piece)
    return digest.hexdigest()


def upload(cluster: Cluster) -> None:
    connection = http.client.HTTPConnection(urlsplit(cluster.origin).netloc, timeout=120)
    fields = {"Content-Length": str(SIZE), "Content-Type": "video/mp4"}
    connection.request("PUT", f"/v1/content/{KEY}", body=pieces(), headers=fields)
    answer = connection.getresponse()
    assert answer.status == 201, answer.read()
    connection.close()


def download(url: str) -> str:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=120)
    connection.request("GET", parts.path)
    answer = connection.getresponse()
    digest = hashlib.sha256()
    while piece := answer.read(MIB):
        digest.update(piece)
    connection.close()
    return digest.hexdigest()


def test_upload_is_never_held_in_memory(roomy: Cluster) -> None:
    pid = roomy.pid("origin")
    before = peak_memory_bytes(pid)
    upload(roomy)
    growth = peak_memory_bytes(pid) - before
    print(f"{SIZE // MIB} MiB in: the origin grew by {growth / MIB:.1f} MiB from {before // MIB}")
    assert growth < GROWTH_MAX


def test_ten_clients_at_one_edge_cost_no_memory_for_the_film(roomy: Cluster, expected: str) -> None:
    edge, origin = roomy.pid("edge-fra"), roomy.pid("origin")
    before = {pid: peak_memory_bytes(pid) for pid in (edge, origin)}
    url = f"{roomy.edges['edge-fra']}/{KEY}"
    with ThreadPoolExecutor(CLIENTS) as threads:
        digests = set(threads.map(download, [url] * CLIENTS))
    assert digests == {expected}
    growth = {pid: peak_memory_bytes(pid) - before[pid] for pid in before}
    print(f"out to {CLIENTS}: edge {growth[edge] / MIB:.1f}, origin {growth[origin] / MIB:.1f} MiB")
    assert growth[edge] < GROWTH_MAX
    assert growth[origin] < GROWTH_MAX


def test_ten_clients_cost_the_origin_one_transfer(roomy: Cluster) -> None:
    """Runs after the test above, on the same cluster: what its ten clients cost the origin."""
    roomy.processes["origin"].ask_to_stop()
    roomy.processes["origin"].end()
    asked = [line for line in roomy.access_log("origin") if line["method"] == "GET"]
    sent = sum(line["bytes"] for line in asked if KEY in line["path"])
    assert SIZE <= sent < SIZE * 1.1

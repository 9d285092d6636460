"""Bad input gets an answer that says what is wrong, and changes nothing."""

from __future__ import annotations

import base64
import hashlib
import random
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.helpers.cluster import ADDRESSES, CINEDGE, ROOT, Cluster, client
from tests.helpers.processes import Running

MIB = 1024 * 1024
QUOTA = 8 * MIB
CONTENT = random.Random(40).randbytes(MIB + 7)
KEY = "films/good.mp4"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster whose origin has room for a few megabytes, and whose geo database is broken."""
    data = tmp_path_factory.mktemp("small")
    (data / "broken.mmdb").write_bytes(b"this was never a database" * 100)

    def edit(document: dict[str, Any]) -> None:
        origin = document["origins"][0]
        origin["volumes"] = [{"name": "small", "path": "small", "size_bytes": QUOTA}]
        origin["extent_bytes"] = MIB
        document["geo"]["database"] = "broken.mmdb"

    with Cluster(data, edit) as started:
        started.put(KEY, CONTENT, "video/mp4")
        yield started


@pytest.fixture(autouse=True)
def _nothing_changes(small: Cluster) -> Iterator[None]:
    before = state(small)
    yield
    assert state(small) == before


def state(cluster: Cluster) -> tuple[object, ...]:
    """Everything that a bad request must leave alone."""
    listing = httpx.get(f"{cluster.origin}/v1/content").json()["items"]
    journal = httpx.get(f"{cluster.origin}/v1/changes?after=0").json()
    content = httpx.get(f"{cluster.origin}/v1/content/{KEY}").content
    return listing, journal, content == CONTENT


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["type"] == f"urn:cinedge:problem:{code}"
    assert body["detail"]


@pytest.mark.parametrize(
    "key", ["v1/x", "a//b", ".hidden", "a/%2e%2e/b", "a%20b", "%C3%A9", "a/", "x" * 1025, "a%00"]
)
def test_bad_key_is_refused(small: Cluster, key: str) -> None:
    answer = httpx.put(f"{small.origin}/v1/content/{key}", content=b"x")
    assert_problem(answer, 400, "bad-key")


def test_upload_that_ends_early_is_refused(small: Cluster) -> None:
    url = urlsplit(small.origin)
    with socket.create_connection((url.hostname, url.port), timeout=20) as raw:
        raw.sendall(
            f"PUT /v1/content/{KEY} HTTP/1.1\r\nHost: {url.netloc}\r\n"
            "Content-Length: 100000\r\n\r\nonly this".encode()
        )
        raw.shutdown(socket.SHUT_WR)
        said = b""
        while piece := raw.recv(65536):
            said += piece
    # The connection may end without a word: there is nobody left who sent a whole request.
    assert said == b"" or said.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("field", ["Repr-Digest", "Content-Digest"])
def test_upload_of_other_bytes_than_announced_is_refused(small: Cluster, field: str) -> None:
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    answer = httpx.put(
        f"{small.origin}/v1/content/{KEY}",
        content=b"x" * 5000,
        headers={field: f"sha-256=:{wrong}:"},
    )
    assert_problem(answer, 400, "digest-mismatch")


@pytest.mark.parametrize("announce", [True, False])
def test_upload_beyond_the_room_is_refused_and_its_room_is_free_again(
    small: Cluster, announce: bool
) -> None:
    body = random.Random(41).randbytes(2 * QUOTA)
    url = f"{small.origin}/v1/content/films/too-large.mp4"
    # An iterator goes without Content-Length, so the origin finds out on the way.
    answer = httpx.put(url, content=body if announce else iter([body]), timeout=30)
    assert_problem(answer, 507, "storage-full")
    assert httpx.get(url).status_code == 404


@pytest.mark.parametrize(
    "field", ["bytes=b-a", "bytes=5-2", "bytes", "octets=0-1", "bytes=1_0-20", "bytes=+1-2", ""]
)
def test_range_that_is_none_is_ignored_by_every_tier(small: Cluster, field: str) -> None:
    for url in (f"{small.origin}/v1/content/{KEY}", f"{small.router}/{KEY}"):
        answer = httpx.get(url, headers={"Range": field}, follow_redirects=True)
        assert (answer.status_code, answer.content) == (200, CONTENT)


def test_unknown_object_is_a_problem_at_the_origin_and_at_the_edge(small: Cluster) -> None:
    for url in (f"{small.origin}/v1/content/no.mp4", f"{small.edges['edge-fra']}/no.mp4"):
        answer = httpx.get(url)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"title": 5}', b'{"title": "x", "media": "not/there.mp4"}', b"\xff"],
)
def test_title_that_makes_no_sense_is_refused(small: Cluster, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = httpx.put(f"{small.origin}/v1/titles/bad", content=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert httpx.get(f"{small.origin}/v1/titles/bad").status_code == 404


def test_broken_geo_database_is_said_and_prefixes_still_route(small: Cluster) -> None:
    assert small.edge_for(KEY, ADDRESSES["sin"]) == "edge-sin"
    assert small.edge_for(KEY, "127.9.9.9") == "edge-fra"
    assert any("broken.mmdb" in line for line in small.processes["router"].stderr)


@pytest.mark.parametrize("tier", ["edge", "origin", "router"])
def test_name_that_the_topology_does_not_know_is_refused_with_the_nearest(
    small: Cluster, tier: str
) -> None:
    node = {"edge": "edge-frq", "origin": "origni", "router": "routr"}[tier]
    meant = {"edge": "edge-fra", "origin": "origin", "router": "router"}[tier]
    command = [*CINEDGE, tier, "--topology", str(small.topology_path), "--name", node]
    with Running(command, cwd=ROOT) as running:
        assert running.end() == 2
    said = "\n".join(running.stderr)
    assert node in said
    assert meant in said


def test_unknown_names_in_a_topology_are_all_told_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "sites:\n  - {name: fra, latitude: 50, longitude: 8}\n"
        "edges:\n"
        "  - name: edge-1\n    site: fro\n    listen: 127.0.0.1:9001\n"
        "    disks: [{path: cache}]\n    colour: red\n"
    )
    command = [*CINEDGE, "topology", "validate", str(path)]
    call = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert call.returncode == 2
    assert f"{path}:5:" in call.stderr
    assert "fra" in call.stderr
    assert f"{path}:8:" in call.stderr
    assert "colour" in call.stderr


def test_good_object_still_plays_after_all_this(small: Cluster) -> None:
    with client() as http:
        assert http.get(f"{small.router}/{KEY}").content == CONTENT

"""What clients read through the router is what was uploaded, byte for byte."""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from scripts.make_media import find_ffmpeg
from tests.helpers.cluster import ADDRESSES, Cluster, client

MIB = 1024 * 1024
EXTENT = 64 * MIB
KEY = "objects/random.bin"
SIZE = 2 * EXTENT + 5 * MIB + 77
RANGES = 500


@pytest.fixture(scope="module")
def content(cluster: Cluster) -> bytes:
    """More than two extents and not a whole number of blocks."""
    made = random.Random(20).randbytes(SIZE)
    cluster.put(KEY, made)
    return made


def test_whole_object_is_the_same_from_every_region(cluster: Cluster, content: bytes) -> None:
    expected = hashlib.sha256(content).hexdigest()
    for address in ADDRESSES.values():
        digest = hashlib.sha256()
        with client(address) as http, http.stream("GET", f"{cluster.router}/{KEY}") as answer:
            assert answer.status_code == 200
            assert int(answer.headers["Content-Length"]) == SIZE
            for piece in answer.iter_raw():
                digest.update(piece)
        assert digest.hexdigest() == expected


def test_random_ranges_are_the_same(cluster: Cluster, content: bytes) -> None:
    chance = random.Random(21)
    with client() as http:
        for _ in range(RANGES):
            start = chance.randrange(SIZE)
            stop = min(SIZE, start + chance.choice((1, 100, 4096, MIB, 3 * MIB)))
            check_range(http, cluster, content, start, stop)


@pytest.mark.parametrize("boundary", [MIB, 2 * MIB, EXTENT, 2 * EXTENT, SIZE])
@pytest.mark.parametrize("before", [0, 1, 2 * MIB])
@pytest.mark.parametrize("after", [1, 2, MIB])
def test_ranges_across_block_and_extent_boundaries_are_the_same(
    cluster: Cluster, content: bytes, boundary: int, before: int, after: int
) -> None:
    start, stop = max(0, boundary - before), min(SIZE, boundary + after)
    if start == SIZE:
        start -= 1
    with client(ADDRESSES["sin"]) as http:
        check_range(http, cluster, content, start, stop)


def check_range(
    http: httpx.Client, cluster: Cluster, content: bytes, start: int, stop: int
) -> None:
    answer = http.get(f"{cluster.router}/{KEY}", headers={"Range": f"bytes={start}-{stop - 1}"})
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert answer.content == content[start:stop]


@pytest.mark.parametrize(
    ("field", "start", "stop"),
    [
        ("bytes=-1", SIZE - 1, SIZE),
        ("bytes=-1048577", SIZE - MIB - 1, SIZE),
        (f"bytes={SIZE - 5}-", SIZE - 5, SIZE),
        (f"bytes={SIZE - 5}-{SIZE * 2}", SIZE - 5, SIZE),
        (f"bytes=-{SIZE * 2}", 0, SIZE),
    ],
)
def test_open_and_suffix_ranges_are_the_same(
    cluster: Cluster, content: bytes, field: str, start: int, stop: int
) -> None:
    with client() as http:
        answer = http.get(f"{cluster.router}/{KEY}", headers={"Range": field})
    assert answer.status_code == 206
    assert answer.content == content[start:stop]


def test_range_beyond_the_end_is_refused_with_the_size(cluster: Cluster, content: bytes) -> None:
    with client() as http:
        answer = http.get(f"{cluster.router}/{KEY}", headers={"Range": f"bytes={SIZE}-"})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


def test_replaced_object_is_never_mixed_with_the_old_one(cluster: Cluster) -> None:
    key = "objects/replaced.bin"
    old, new = b"o" * (3 * MIB), b"n" * (3 * MIB)
    cluster.put(key, old)
    with client() as http:
        etag = http.get(f"{cluster.router}/{key}").headers["ETag"]
        cluster.put(key, new)
        fields = {"Range": "bytes=2097152-", "If-Range": etag}
        answer = http.get(f"{cluster.router}/{key}", headers=fields)
    if answer.status_code == 206:
        assert answer.content == old[2 * MIB :]
    else:
        assert answer.content == new


def test_curl_reads_the_same(cluster: Cluster, content: bytes, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    target = tmp_path / "whole"
    url = f"{cluster.router}/{KEY}"
    # Cut in the middle, then resumed the way a person would.
    subprocess.run(["curl", "-sSfL", "-r", "0-69999999", "-o", target, url], check=True)
    subprocess.run(["curl", "-sSfL", "-C", "-", "-o", target, url], check=True)
    assert target.read_bytes() == content


def test_ffmpeg_plays_the_film_through_the_router(cluster: Cluster, film: Path) -> None:
    cluster.put("films/film.mp4", film.read_bytes(), "video/mp4")
    url = f"{cluster.router}/films/film.mp4"
    command = [find_ffmpeg(), "-nostdin", "-v", "error", "-xerror", "-i", url, "-f", "null", "-"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == ""
    seek = [find_ffmpeg(), "-nostdin", "-v", "error", "-xerror", "-ss", "24", "-i", url]
    seek += ["-frames:v", "1", "-f", "framemd5", "-"]
    there = subprocess.run(seek, capture_output=True, text=True, check=True)
    seek[seek.index(url)] = str(film)
    here = subprocess.run(seek, capture_output=True, text=True, check=True)
    assert there.stdout == here.stdout


def test_ffprobe_reads_length_and_codecs_through_the_router(cluster: Cluster, film: Path) -> None:
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed")
    cluster.put("films/probe.mp4", film.read_bytes(), "video/mp4")
    command = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name:format=duration"]
    command += ["-of", "default=nw=1:nk=1", f"{cluster.router}/films/probe.mp4"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert said[:2] == ["h264", "aac"]
    assert float(said[2]) == pytest.approx(30, abs=0.1)

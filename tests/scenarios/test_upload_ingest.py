"""`cinedge ingest` brings films over lines that break, to origins that die, after being killed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.helpers.cutting_proxy import cutting_proxy
from tests.helpers.upload_origin import ROOT, UploadOrigin

MIB = 1024 * 1024
FILM = random.Random(2).randbytes(40 * MIB + 321)
SHA256 = hashlib.sha256(FILM).hexdigest()

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[UploadOrigin]:
    with UploadOrigin(tmp_path / "data", extent_bytes=4 * MIB) as started:
        yield started


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(FILM)
    return path


async def start_ingest(tmp_path: Path, port: int, *words: str) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "scripts.cli.main", "ingest", "--json"]
    where = ["--to", f"http://127.0.0.1:{port}", "--state", str(tmp_path / "state")]
    return await asyncio.create_subprocess_exec(
        *command,
        *where,
        *words,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def told(process: asyncio.subprocess.Process) -> list[dict[str, Any]]:
    """What it printed, once it has ended well."""
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, err.decode()[-2000:]
    return [json.loads(line) for line in out.splitlines()]


def require_arrived(origin: UploadOrigin, key: str) -> None:
    got = httpx.get(f"{origin.url}/v1/content/{key}", timeout=60).content
    assert hashlib.sha256(got).hexdigest() == SHA256


async def test_a_breaking_line_costs_nothing_but_time(
    origin: UploadOrigin, film: Path, tmp_path: Path
) -> None:
    cuts = [3 * MIB, MIB, 7 * MIB, 2 * MIB, 5 * MIB, 100_000]
    async with cutting_proxy(origin.port, cuts) as line:
        process = await start_ingest(tmp_path, line.port, str(film), "--key", "films/a.mp4")
        (answer,) = await told(process)
        assert line.broken == len(cuts)
    assert (answer["key"], answer["generation"]) == ("films/a.mp4", 1)
    assert (answer["sha256"], answer["size_bytes"]) == (SHA256, len(FILM))
    require_arrived(origin, "films/a.mp4")
    assert not list((tmp_path / "state").glob("*.json")), "nothing is left to remember"


async def test_a_killed_client_goes_on_where_it_was(
    origin: UploadOrigin, film: Path, tmp_path: Path
) -> None:
    async with cutting_proxy(origin.port, hold_at=25 * MIB) as line:
        process = await start_ingest(tmp_path, line.port, str(film), "--parallel", "3")
        await asyncio.wait_for(line.held.wait(), 60)
        process.send_signal(signal.SIGKILL)
        await process.communicate()
        line.released.set()
        line.hold_at = None
        (remembered,) = (tmp_path / "state").glob("*.json")
        assert len(json.loads(remembered.read_bytes())["locations"]) == 3
        (answer,) = await told(await start_ingest(tmp_path, line.port, str(film)))
    assert answer["resumed_bytes"] >= 10 * MIB
    assert (answer["sha256"], answer["generation"]) == (SHA256, 1)
    require_arrived(origin, "film.mp4")


async def test_an_origin_that_dies_is_waited_for(
    origin: UploadOrigin, film: Path, tmp_path: Path
) -> None:
    async with cutting_proxy(origin.port, hold_at=25 * MIB) as line:
        process = await start_ingest(tmp_path, line.port, str(film), "--parallel", "2")
        await asyncio.wait_for(line.held.wait(), 60)
        origin.kill()
        line.hold_at = None
        line.released.set()
        await asyncio.to_thread(origin.start)
        (answer,) = await told(process)
    assert (answer["sha256"], answer["generation"]) == (SHA256, 1)
    require_arrived(origin, "film.mp4")


async def test_several_files_small_and_large(
    origin: UploadOrigin, film: Path, tmp_path: Path
) -> None:
    small = tmp_path / "film.srt"
    small.write_bytes(b"1\n")
    process = await start_ingest(tmp_path, origin.port, str(film), str(small), "--prefix", "s1")
    answers = await told(process)
    assert [answer["key"] for answer in answers] == ["s1/film.mp4", "s1/film.srt"]
    assert answers[1]["sha256"] == hashlib.sha256(b"1\n").hexdigest()
    require_arrived(origin, "s1/film.mp4")

"""Clients that others wrote upload over a line that breaks, and go on where they were.

tus-js-client is installed by npm into a folder of the test; without node, npm or a registry that
test says so and is skipped.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import itertools
import json
import os
import random
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiotus
import httpx
import pytest
from tusclient.client import TusClient

from tests.helpers.cutting_proxy import CuttingProxy, cutting_proxy
from tests.helpers.upload_origin import UploadOrigin

MIB = 1024 * 1024
FILM = random.Random(1).randbytes(24 * MIB + 77)
CUTS = [1 * MIB, 3 * MIB, 2 * MIB + 5, 4 * MIB, MIB // 2]
KEY = "films/of-others.mp4"

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def origin_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UploadOrigin]:
    with UploadOrigin(tmp_path_factory.mktemp("clients") / "data") as started:
        yield started


@pytest.fixture
def origin(origin_process: UploadOrigin) -> UploadOrigin:
    return origin_process


@pytest.fixture
async def line(origin: UploadOrigin) -> AsyncIterator[CuttingProxy]:
    """The way to the origin, which breaks five times."""
    async with cutting_proxy(origin.port, CUTS) as proxy:
        yield proxy
        assert proxy.broken == len(CUTS), "every cut was met"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(FILM)
    return path


async def require_arrived(origin: UploadOrigin, key: str, content: bytes = FILM) -> None:
    """Nothing is missing, doubled or out of place."""
    async with httpx.AsyncClient(timeout=60) as client:
        got = (await client.get(f"{origin.url}/v1/content/{key}")).content
    assert hashlib.sha256(got).hexdigest() == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("with_checksum", [False, True])
async def test_tuspy_goes_on(
    origin: UploadOrigin, line: CuttingProxy, film: Path, with_checksum: bool
) -> None:
    key = f"tuspy-{with_checksum}.mp4"

    def upload() -> None:
        uploader = TusClient(f"http://127.0.0.1:{line.port}/v1/uploads").uploader(
            str(film),
            chunk_size=2 * MIB,
            metadata={"key": key, "filetype": "video/mp4"},
            retries=10,
            retry_delay=0,
            upload_checksum=with_checksum,
        )
        uploader.upload()

    await asyncio.to_thread(upload)
    await require_arrived(origin, key)


async def test_tuspy_goes_on_in_another_process(origin: UploadOrigin, film: Path) -> None:
    client = TusClient(f"{origin.url}/v1/uploads")

    def upload() -> None:
        first = client.uploader(str(film), chunk_size=5 * MIB, metadata={"key": "resumed.mp4"})
        first.upload(stop_at=10 * MIB)
        assert first.url is not None
        second = client.uploader(str(film), chunk_size=5 * MIB, url=first.url)
        assert second.offset == 10 * MIB
        second.upload()

    await asyncio.to_thread(upload)
    await require_arrived(origin, "resumed.mp4")


def patient() -> aiotus.RetryConfiguration:
    return aiotus.RetryConfiguration(retry_attempts=12, max_retry_period_seconds=0.05)


async def test_aiotus_goes_on(origin: UploadOrigin, line: CuttingProxy, film: Path) -> None:
    with film.open("rb") as source:
        location = await aiotus.upload(
            f"http://127.0.0.1:{line.port}/v1/uploads",
            source,
            {"key": KEY.encode()},
            config=patient(),
            chunksize=MIB,
        )
    assert location is not None
    told = await aiotus.metadata(f"{origin.url}{location.path}")
    assert told == {"key": KEY.encode()}
    await require_arrived(origin, KEY)


async def test_aiotus_joins_parts_over_a_breaking_line(
    origin: UploadOrigin, line: CuttingProxy
) -> None:
    cuts = [0, 5 * MIB + 1, 11 * MIB, 18 * MIB - 7, len(FILM)]
    parts = [io.BytesIO(FILM[a:b]) for a, b in itertools.pairwise(cuts)]
    location = await aiotus.upload_multiple(
        f"http://127.0.0.1:{line.port}/v1/uploads",
        parts,
        {"key": b"joined.mp4"},
        config=patient(),
        chunksize=MIB,
    )
    assert location is not None
    await require_arrived(origin, "joined.mp4")


SCRIPT = """
const fs = require('fs');
const tus = require('tus-js-client');
const [endpoint, path, key, parallel] = process.argv.slice(2);
const errors = [];
const upload = new tus.Upload(fs.createReadStream(path), {
  endpoint,
  chunkSize: 1024 * 1024,
  metadata: { key, filetype: 'video/mp4' },
  parallelUploads: Number(parallel),
  retryDelays: Array(20).fill(50),
  onShouldRetry: (error) => { errors.push(String(error).slice(0, 80)); return true; },
  onError: (error) => { console.error(String(error)); process.exit(1); },
  onSuccess: () => { console.log(JSON.stringify({ url: upload.url, retries: errors.length })); },
});
upload.start();
"""


@pytest.fixture(scope="module")
def tus_js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which node finds tus-js-client."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("tus-js-client: node or npm is not installed")
    folder = tmp_path_factory.mktemp("tus-js")
    command = ["npm", "i", "--ignore-scripts", "--no-audit", "--no-fund", "tus-js-client@4"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("tus-js-client: npm took too long")
    if done.returncode:
        pytest.skip(f"tus-js-client could not be installed: {done.stderr[-200:]!r}")
    (folder / "upload.js").write_text(SCRIPT)
    return folder


@pytest.mark.parametrize("parallel", [1, 3])
async def test_tus_js_client_goes_on(
    origin: UploadOrigin, line: CuttingProxy, film: Path, tus_js: Path, parallel: int
) -> None:
    key = f"tus-js-{parallel}.mp4"
    process = await asyncio.create_subprocess_exec(
        "node",
        "upload.js",
        f"http://127.0.0.1:{line.port}/v1/uploads",
        str(film),
        key,
        str(parallel),
        cwd=tus_js,
        env={**os.environ, "NODE_NO_WARNINGS": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, err.decode()[-2000:]
    assert json.loads(out)["retries"] >= 1
    await require_arrived(origin, key)

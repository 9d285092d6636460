"""The object is replaced at the origin while a hundred clients read it: no body mixes versions.

Real processes. Each version is one byte repeated, so one look at a body tells what is in it; each
answer's ETag has to be that of its bytes.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest

from config.topology import KIB
from tests.helpers.cluster import Cluster
from tests.helpers.raw_client import RawClient

CLIENTS = 100
VERSIONS = 8
BLOCK_BYTES = 64 * KIB
SIZE = 64 * BLOCK_BYTES + 77
KEY = "films/replaced.bin"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    def edit(document: dict[str, Any]) -> None:
        for edge in document["edges"]:
            edge["settings"]["block_bytes"] = BLOCK_BYTES

    with Cluster(tmp_path_factory.mktemp("cluster"), edit) as started:
        yield started


class Crowd:
    """What a hundred clients have seen: versions by ETag, and how many bodies."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = str(parts.hostname), int(parts.port or 80)
        self.bodies = 0
        self.versions: dict[str, int] = {}
        self.mixed: list[str] = []
        self.stop = asyncio.Event()
        self._goal = 0
        self._reached = asyncio.Event()

    async def read(self, seed: int) -> None:
        """One client, until it is told to stop."""
        chance = random.Random(seed)
        client = await RawClient.connect(self.host, self.port)
        etag = ""
        try:
            while not self.stop.is_set():
                start = chance.randrange(SIZE)
                stop = min(SIZE, start + chance.randrange(1, 4 * BLOCK_BYTES))
                fields = [f"Range: bytes={start}-{stop - 1}"]
                if etag and chance.random() < 0.5:
                    fields.append(f"If-Range: {etag}")
                answer = await client.ask(f"/{KEY}", *fields)
                assert answer.status in (200, 206), answer
                assert len(answer.body) == (stop - start if answer.status == 206 else SIZE)
                etag = answer.fields["etag"]
                self.note(etag, answer.body)
        finally:
            client.close()

    async def more(self, bodies: int, readers: Sequence[asyncio.Future[None]]) -> None:
        """Wait until so many more bodies were read, or a reader has failed."""
        self._goal = self.bodies + bodies
        self._reached.clear()
        reached: asyncio.Future[Any] = asyncio.ensure_future(self._reached.wait())
        awaited: list[asyncio.Future[Any]] = [reached, *readers]
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        reached.cancel()

    def note(self, etag: str, body: bytes) -> None:
        self.bodies += 1
        if self.bodies >= self._goal:
            self._reached.set()
        version = body[0]
        if body.count(version) != len(body) or self.versions.setdefault(etag, version) != version:
            self.mixed.append(f"{etag}: {set(body)}")


async def test_no_body_mixes_versions_while_the_object_is_replaced(cluster: Cluster) -> None:
    version = itertools.count(1)
    cluster.put(KEY, bytes([next(version)]) * SIZE)
    crowd = Crowd(next(iter(cluster.edges.values())))
    readers = [asyncio.ensure_future(crowd.read(seed)) for seed in range(CLIENTS)]
    for _ in range(VERSIONS - 1):
        await crowd.more(2 * CLIENTS, readers)
        await asyncio.to_thread(cluster.put, KEY, bytes([next(version)]) * SIZE)
    await crowd.more(2 * CLIENTS, readers)
    crowd.stop.set()
    await asyncio.gather(*readers)
    print(crowd.bodies, "bodies of", len(crowd.versions), "versions")
    assert crowd.mixed == []
    assert len(crowd.versions) > VERSIONS // 2

"""What a node's settings say is what its packaging does, from a title to the files of viewers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from config.keeping import PackagingSettings
from config.topology import Address, CacheDisk, EdgeNode, OriginNode, Topology
from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url
from origin.catalog.jobs import JobRow, Jobs
from origin.packaging.deposit import Deposit
from origin.packaging.opening import PackagingParts, open_packaging
from origin.store.memory import MemoryStore
from origin.sweeper import Holds
from tests.helpers.clock import FakeClock
from tests.origin.packaging.conftest import Films

EXTENT_BYTES = 65536
FILM = "films/a.mp4"


@dataclass
class World:
    """An origin with one film, as far as packaging needs it."""

    catalog: Catalog
    clock: FakeClock
    data: Path
    store: MemoryStore = field(default_factory=lambda: MemoryStore(EXTENT_BYTES))

    async def upload(self, data: bytes) -> None:
        deposit = Deposit(self.catalog, self.store, EXTENT_BYTES, "films/")
        await deposit.create("a.mp4", len(data))
        await deposit.write(data)
        await deposit.end()

    def open(self, edges: tuple[EdgeNode, ...] = (), **settings: Any) -> PackagingParts:
        node = OriginNode(
            name="origin-1",
            listen=Address("127.0.0.1", 0),
            data=str(self.data),
            extent_bytes=EXTENT_BYTES,
            router_url="http://router/",
            packaging=PackagingSettings(pictures=False, **settings),
        )
        return open_packaging(
            node,
            Topology(edges=edges),
            self.catalog,
            self.store,
            Holds(),
            self.clock,
        )

    async def row(self) -> JobRow | None:
        return await Jobs(self.catalog.database, self.clock).find("a")

    async def work(self, parts: PackagingParts) -> JobRow:
        """Take every step that is due."""
        while await parts.line.take_one():
            pass
        row = await self.row()
        assert row is not None
        return row

    async def until(self, state: str) -> JobRow:
        """Look until the row is in a state."""
        async with asyncio.timeout(20):
            while True:
                row = await self.row()
                if row is not None and row.state == state:
                    return row
                await asyncio.sleep(0.01)

    async def read(self, key: str) -> str:
        found = self.catalog.objects.get(key)
        assert found is not None
        pieces = self.store.read(found.stored, 0, found.size_bytes)
        return b"".join([bytes(piece) async for piece in pieces]).decode()


@pytest.fixture
async def world(tmp_path: Path, films: Films) -> AsyncIterator[World]:
    clock = FakeClock()
    catalog = await open_catalog(parse_database_url("", tmp_path), clock)
    opened = World(catalog, clock, tmp_path / "data")
    await opened.upload(films.data("front.mp4"))
    await catalog.put_title("a", json.dumps({"title": "A", "media": FILM}), lambda _: None)
    yield opened
    await catalog.close()


@pytest.mark.parametrize(("seconds", "steering", "segments"), [(1.0, True, 6), (3.0, False, 2)])
async def test_package_is_made_as_the_node_says(
    world: World, seconds: float, steering: bool, segments: int
) -> None:
    parts = world.open(segment_seconds=seconds, steering=steering)
    assert (await parts.handlers.request("a"))[1]
    row = await world.work(parts)
    assert row.state == "published", row.reason
    assert row.published["video"][0]["segments"] == segments
    master = await world.read("play/a/1/master.m3u8")
    steers = '"http://router/v1/steering/hls/play/a/1/master.m3u8?pathways=base"' in master
    assert (steers, "CONTENT-STEERING" in master) == (steering, steering)
    assert list((world.data / "scratch").iterdir()) == []


async def test_replaced_package_stays_as_long_as_the_node_says(world: World, films: Films) -> None:
    parts = world.open(replaced_seconds=90.0)
    await parts.handlers.request("a")
    await world.work(parts)
    await world.upload(films.data("silent.mp4"))
    await parts.handlers.request("a")
    row = await world.work(parts)
    assert row.published["replaced"] == [{"prefix": "play/a/1/", "due_at": world.clock.now + 90}]
    assert world.catalog.objects.get("play/a/1/film.mp4") is not None
    world.clock.advance(90)
    await world.work(parts)
    assert world.catalog.objects.get("play/a/1/film.mp4") is None
    assert world.catalog.objects.get("play/a/2/film.mp4") is not None


async def test_edges_of_the_topology_are_asked_before_viewers_get_the_package(
    world: World,
) -> None:
    asked: set[str] = set()

    async def answer(request: web.Request) -> web.Response:
        key = request.path[1:]
        asked.add(key)
        found = world.catalog.objects.get(key)
        assert found is not None
        pieces = world.store.read(found.stored, 0, found.size_bytes)
        body = b"".join([bytes(piece) async for piece in pieces])
        headers = {"ETag": found.etag, "Cache-Status": "edge; hit"}
        return web.Response(status=206, body=body, headers=headers)

    app = web.Application()
    app.router.add_get("/{key:.+}", answer)
    async with TestServer(app) as server:
        assert server.port is not None
        nowhere = Address("127.0.0.1", 9)
        disks = (CacheDisk(str(world.data)),)
        edges = (
            EdgeNode("by-listen", "site", Address("127.0.0.1", server.port), disks),
            EdgeNode("by-url", "site", nowhere, disks, url=str(server.make_url("/"))),
            EdgeNode("gone", "site", nowhere, disks),
        )
        parts = world.open(edges, placed_edges=3)
        await parts.handlers.request("a")
        row = await world.work(parts)
        assert (row.state, row.reason) == ("packaged", "2 of 3 edges hold the first blocks")
        assert not row.published
        world.clock.advance(3600)
        assert (await world.work(world.open(edges, placed_edges=2))).state == "published"
    names = ("film.mp4", "master.m3u8", "manifest.mpd")
    assert asked == {f"play/a/1/{name}" for name in names}


async def test_nothing_is_packaged_unasked_unless_the_node_says_so(world: World) -> None:
    assert world.open().automatic is None
    automatic = world.open(automatic=True).automatic
    assert automatic is not None
    assert await world.row() is None
    await automatic.saved("a", True)
    row = await world.row()
    assert row is not None
    assert (row.state, row.source_key) == ("received", FILM)


async def test_parts_run_together_until_cancelled_and_take_up_what_the_node_left(
    world: World,
) -> None:
    parts = world.open(automatic=True)
    await parts.handlers.request("a")
    # As if the process had died while it worked on the row.
    assert await Jobs(world.catalog.database, world.clock).claim("origin-1", 1e6) is not None
    running = asyncio.create_task(parts.run())
    await world.until("published")
    # Nobody asks for this one: the journal tells.
    await world.upload(b"this is no film")
    row = await world.until("refused")
    assert (row.revision, row.published["revision"]) == (2, 1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()

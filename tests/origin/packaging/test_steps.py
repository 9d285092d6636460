"""The steps work on the upload that was asked for, keep it in place meanwhile, and ask real edges.

The packaging process is the real one, but where a test needs it to misbehave.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url
from origin.catalog.jobs import JobRow
from origin.packaging.boxes import UnplayableError
from origin.packaging.deposit import Deposit
from origin.packaging.frames import Kind
from origin.packaging.steps import RealSteps, Wishes
from origin.store.memory import MemoryStore
from origin.sweeper import Holds
from tests.helpers.clock import FakeClock
from tests.origin.packaging.conftest import Films, movie_of

EXTENT_BYTES = 65536
SUBTITLE = b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n"
PLACED = {name: f"play/a/3/{name}.mp4" for name in ("progressive", "hls", "dash")}
GONE = "http://127.0.0.1:9"


def wish(scratch: Path, **changes: Any) -> Wishes:
    modest = Wishes(
        scratch=scratch,
        extent_bytes=EXTENT_BYTES,
        segment_seconds=2.0,
        rungs=(),
        pictures=False,
        router_url="",
        edge_urls=(),
        placed_edges=0,
    )
    return replace(modest, **changes)


@dataclass
class World:
    """A catalog and a store with what a test puts there."""

    catalog: Catalog
    scratch: Path
    store: MemoryStore = field(default_factory=lambda: MemoryStore(EXTENT_BYTES))
    holds: Holds = field(default_factory=Holds)

    async def put(self, key: str, data: bytes) -> JobRow:
        """Store an object; the row of a title whose film it is."""
        prefix, _, name = key.rpartition("/")
        deposit = Deposit(self.catalog, self.store, EXTENT_BYTES, f"{prefix}/")
        await deposit.create(name, len(data))
        await deposit.write(data)
        await deposit.end()
        found = self.catalog.objects.get(key)
        assert found is not None
        return JobRow("a", key, found.generation, 3, "received", package=PLACED)

    def steps(self, **changes: Any) -> RealSteps:
        return RealSteps(self.catalog, self.store, self.holds, wish(self.scratch, **changes))

    async def read(self, key: str) -> bytes:
        found = self.catalog.objects.get(key)
        assert found is not None
        pieces = self.store.read(found.stored, 0, found.size_bytes)
        return b"".join([bytes(piece) async for piece in pieces])

    def keys(self) -> set[str]:
        return {row.key for row in self.catalog.objects.page(limit=100)[0]}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    catalog = await open_catalog(parse_database_url("", tmp_path), FakeClock())
    yield World(catalog, tmp_path / "data" / "scratch")
    await catalog.close()


async def test_verifying_tells_facts_and_makes_nothing(world: World, films: Films) -> None:
    row = await world.put("films/a.mp4", films.data("plain.mp4"))
    facts = await world.steps().verify(row, lambda _: None)
    assert (facts["video"]["width"], facts["video"]["height"]) == (192, 108)
    assert world.keys() == {"films/a.mp4"}


async def test_package_is_published_under_its_revision_as_wished(
    world: World, films: Films
) -> None:
    row = await world.put("films/a.mp4", films.data("front.mp4"))
    await world.put("films/a.vtt", SUBTITLE)
    subtitles = [{"key": "films/a.vtt", "language": "en", "label": "English"}]
    body = json.dumps({"title": "A", "subtitles": subtitles})
    await world.catalog.put_title("a", body, lambda _: None)
    stored = world.catalog.objects.get("films/a.mp4")
    assert stored is not None
    held: list[bool] = []

    steps = world.steps(router_url="http://router")
    made = await steps.package(row, lambda _: held.append(world.holds.is_held(stored.stored)))

    files = {"film.mp4", "film.m3u8", "audio-1.m4a", "audio-1.m3u8", "master.m3u8", "manifest.mpd"}
    files |= {"indexed.mpd", "subtitles-1.vtt", "subtitles-1.m3u8"}
    assert world.keys() == {"films/a.mp4", "films/a.vtt", *(f"play/a/3/{name}" for name in files)}
    assert [(each["segments"], each["name"]) for each in made["video"]] == [(3, "film.mp4")]
    assert len(movie_of(await world.read("play/a/3/film.mp4")).of_kind("vide")) == 1
    master = (await world.read("play/a/3/master.m3u8")).decode()
    assert '"http://router/v1/steering/hls/play/a/3/master.m3u8?pathways=base"' in master
    assert await world.read("play/a/3/subtitles-1.vtt") == SUBTITLE
    assert held
    assert all(held)
    assert not world.holds.is_held(stored.stored)
    assert list(world.scratch.iterdir()) == []


@pytest.mark.parametrize("mode", ["verify", "package"])
@pytest.mark.parametrize("gone", [True, False])
async def test_upload_that_is_no_longer_there_is_refused(
    world: World, mode: str, gone: bool
) -> None:
    row = await world.put("films/a.mp4", b"first")
    if gone:
        await world.catalog.delete("films/a.mp4", lambda _: None)
    else:
        await world.put("films/a.mp4", b"second")
    before = world.keys()
    with pytest.raises(UnplayableError, match=r"'films/a\.mp4' was replaced or deleted"):
        await getattr(world.steps(), mode)(row, lambda _: None)
    assert world.keys() == before


async def test_title_whose_subtitle_is_missing_is_refused_before_the_work(world: World) -> None:
    row = await world.put("films/a.mp4", b"this would be refused as no film")
    subtitles = [{"key": "films/gone.vtt", "language": "en"}]
    body = json.dumps({"title": "A", "subtitles": subtitles})
    await world.catalog.put_title("a", body, lambda _: None)
    with pytest.raises(UnplayableError, match=r"films/gone\.vtt.* not stored"):
        await world.steps().package(row, lambda _: None)


async def test_process_gets_no_bytes_behind_the_end(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = struct.pack(">BIQQ", Kind.READ.value, 16, 4, 11)
    package = tmp_path / "code" / "origin" / "packaging"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    code = f"import sys; sys.stdout.buffer.write({asked!r}); sys.stdout.flush(); sys.stdin.read()"
    (package / "worker.py").write_text(code)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "code"), *sys.path])

    row = await world.put("films/a.mp4", b"ten bytes.")
    found = world.catalog.objects.get("films/a.mp4")
    assert found is not None
    with pytest.raises(UnplayableError, match="behind the end"):
        await world.steps().verify(row, lambda _: None)
    assert not world.holds.is_held(found.stored)


async def start_edge(world: World, opened: AsyncExitStack, lacks: str = "") -> str:
    """An edge that has everything at hand, but one key that it always fetches."""

    async def answer(request: web.Request) -> web.Response:
        key = request.path[1:]
        row = world.catalog.objects.get(key)
        assert row is not None
        state = "edge; fwd=miss" if key == lacks else "edge; hit"
        headers = {"ETag": row.etag, "Cache-Status": state}
        return web.Response(status=206, body=await world.read(key), headers=headers)

    app = web.Application()
    app.router.add_get("/{key:.+}", answer)
    return str((await opened.enter_async_context(TestServer(app))).make_url("/"))


async def test_enough_edges_must_hold_every_beginning(world: World) -> None:
    for key in PLACED.values():
        row = await world.put(key, key.encode())
    async with AsyncExitStack() as opened:
        good = await start_edge(world, opened)
        poor = await start_edge(world, opened, lacks=PLACED["dash"])
        answers = {
            (urls, needed): await world.steps(edge_urls=urls, placed_edges=needed).place(row)
            for urls, needed in [
                ((good, GONE), 1),
                ((good, poor, GONE), 2),
                ((GONE,), 1),
                ((good,), 5),
            ]
        }
    assert list(answers.values()) == [
        "",
        "1 of 2 edges hold the first blocks",
        "0 of 1 edges hold the first blocks",
        "",
    ]


async def test_no_edge_is_asked_when_none_is_needed(world: World) -> None:
    row = JobRow("a", "films/a.mp4", 1, 3, "packaged")
    assert await world.steps(edge_urls=(GONE,), placed_edges=0).place(row) == ""
    assert await world.steps(edge_urls=(), placed_edges=2).place(row) == ""


async def test_package_of_which_a_file_was_deleted_is_refused(world: World) -> None:
    for key in PLACED.values():
        row = await world.put(key, b"x")
    await world.catalog.delete(PLACED["hls"], lambda _: None)
    with pytest.raises(UnplayableError, match="deleted"):
        await world.steps(edge_urls=(GONE,), placed_edges=1).place(row)

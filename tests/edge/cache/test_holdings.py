"""What is held survives restarts, doubt and full disks, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cdnkit.wire import MissClass
from config.topology import MIB
from edge.cache.disk import TRAILER_BYTES, Disk
from edge.cache.open_files import OpenFiles
from edge.entry import HELD, UNVERIFIED, Entry
from tests.edge.conftest import BLOCK, Edge, Origin, Plan, eventually
from tests.edge.rest import all_at_rest, assert_disk_equals_index, small_edge
from tests.helpers.film_origin import FilmOrigin, film_bytes
from tests.helpers.raw_client import CutShortError, head

TARGET = "/films/a.mp4"
SIZE = 12 * BLOCK + 99
KEY = TARGET.encode()


@pytest.fixture
def film(origin: Origin) -> FilmOrigin:
    made = FilmOrigin(SIZE, BLOCK)
    origin.scripts[TARGET] = made.serve
    return made


def part(start: int, stop: int) -> str:
    return f"Range: bytes={start}-{stop - 1}"


async def watch(edge: Edge, version: int = 1, size: int = SIZE) -> None:
    client = await edge.client()
    assert (await client.ask(TARGET)).body == film_bytes(version, 0, size)


async def fill(plan: Plan) -> None:
    """Hold the whole film and stop cleanly."""
    async with plan.start() as edge:
        await watch(edge)
        await all_at_rest(edge)
        assert edge.worker.holdings.held_blocks == 13


def blocks_on_disk(cache: Path) -> list[Path]:
    return sorted(cache.glob("??/*/*-*"), key=lambda path: int(path.name.rpartition("-")[2]))


def entry_of(edge: Edge) -> Entry:
    return edge.worker.holdings.entries[KEY]


async def test_after_a_clean_stop_everything_is_held_at_once(plan: Plan, film: FilmOrigin) -> None:
    await fill(plan)
    async with plan.start() as edge:
        assert edge.worker.holdings.held_bytes == SIZE
        assert set(entry_of(edge).present) == {HELD}
        await watch(edge)
    assert film.requests == [""]


async def test_after_an_unclean_stop_blocks_are_read_before_they_are_served(
    plan: Plan, film: FilmOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(plan)
    (plan.cache / "clean").unlink()
    readers = set[str]()
    verify = Disk.verify_block

    def watched(self: Disk, *arguments: object) -> object:
        readers.add(threading.current_thread().name)
        return verify(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Disk, "verify_block", watched)
    async with plan.start() as edge:
        assert set(entry_of(edge).present) == {UNVERIFIED}
        await asyncio.gather(*(watch(edge) for _ in range(10)))
        assert set(entry_of(edge).present) == {HELD}
        await all_at_rest(edge)
    assert film.requests == [""]
    assert threading.main_thread().name not in readers


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def exchange(path: Path) -> None:
    path.write_bytes(b"not a block at all" * 5000)


def vanish(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [flip, shorten, exchange, vanish])
async def test_a_damaged_block_never_leaves_the_box_and_is_fetched_again(
    plan: Plan, film: FilmOrigin, damage: object
) -> None:
    await fill(plan)
    (plan.cache / "clean").unlink()
    damage(blocks_on_disk(plan.cache)[7])  # type: ignore[operator]
    async with plan.start() as edge:
        await asyncio.gather(*(watch(edge) for _ in range(10)))
        await all_at_rest(edge)
        assert edge.worker.holdings.corrupt_blocks_total == (damage is not vanish)
        assert film.requests == ["", f"bytes={7 * BLOCK}-{8 * BLOCK - 1}"]
    assert_disk_equals_index(plan.cache, edge)


@pytest.mark.parametrize("damage", [shorten, exchange])
async def test_a_block_of_wrong_length_is_seen_even_after_a_clean_stop(
    plan: Plan, film: FilmOrigin, damage: object
) -> None:
    await fill(plan)
    damage(blocks_on_disk(plan.cache)[3])  # type: ignore[operator]
    async with plan.start() as edge:
        await watch(edge)
        assert edge.worker.holdings.corrupt_blocks_total == 1
        await all_at_rest(edge)


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b"\xff\xfe", b'{"key": "/films/a.mp4"}'])
async def test_an_unreadable_entry_takes_its_blocks_with_it(
    plan: Plan, film: FilmOrigin, garbage: bytes
) -> None:
    await fill(plan)
    next(plan.cache.glob("??/*/entry")).write_bytes(garbage)
    async with plan.start() as edge:
        assert edge.worker.holdings.held_blocks == 0
        await watch(edge)
        await all_at_rest(edge)
    assert_disk_equals_index(plan.cache, edge)
    assert film.requests == ["", ""]


async def test_blocks_of_another_version_and_foreign_files_are_swept(
    plan: Plan, film: FilmOrigin
) -> None:
    await fill(plan)
    first = blocks_on_disk(plan.cache)[0]
    for name in ("0123456789abcdef.00.1-3", first.name.rpartition("-")[0] + "-99"):
        (first.parent / name).write_bytes(b"x" * 100)
    async with plan.start() as edge:
        await watch(edge)
        await all_at_rest(edge)
    assert_disk_equals_index(plan.cache, edge)
    assert film.requests == [""]


async def test_another_block_size_leaves_what_is_held_as_it_is(
    plan: Plan, film: FilmOrigin
) -> None:
    await fill(plan)
    async with plan.but(block_bytes=2 * BLOCK).start() as edge:
        await watch(edge)
        assert film.requests == [""]
        film.version = 2
        edge.worker.holdings.remove(entry_of(edge), MissClass.PURGED)
        await watch(edge, 2)
        assert entry_of(edge).block_bytes == 2 * BLOCK
        await all_at_rest(edge)
    assert_disk_equals_index(plan.cache, edge)


async def test_a_smaller_cache_lets_the_rest_go_at_the_start(plan: Plan, origin: Origin) -> None:
    film = FilmOrigin(20 * MIB, BLOCK)
    origin.scripts[TARGET] = film.serve
    async with plan.start() as edge:
        await watch(edge, size=film.size_bytes)
        await all_at_rest(edge)
    async with small_edge(plan, 16 * MIB) as edge:
        assert edge.worker.holdings.held_bytes == 16 * MIB
        await watch(edge, size=film.size_bytes)
        await all_at_rest(edge)
    assert_disk_equals_index(plan.cache, edge)


async def test_a_purge_and_the_same_version_again_never_lose_a_file(
    plan: Plan, film: FilmOrigin
) -> None:
    async with plan.start() as edge:
        for _ in range(20):
            await watch(edge)
            edge.worker.holdings.remove(entry_of(edge), MissClass.PURGED)
        await watch(edge)
        await all_at_rest(edge)
        assert edge.worker.holdings.held_blocks == 13
    assert_disk_equals_index(plan.cache, edge)
    async with plan.start() as edge:
        await watch(edge)
    assert len(film.requests) == 21


async def test_a_viewer_in_mid_film_keeps_a_version_that_was_purged(
    plan: Plan, film: FilmOrigin
) -> None:
    film.size_bytes = 200 * BLOCK
    async with plan.start() as edge:
        await watch(edge, size=film.size_bytes)
        await eventually(lambda: not edge.worker.fills._saving, "all is saved")
        old = entry_of(edge)
        open_files = edge.worker.holdings.open_files
        open_files.close_oldest(len(open_files))
        slow = await edge.client(receive_buffer_bytes=4096)
        await slow.send(head(TARGET, "X-New: block", part(1, film.size_bytes)))
        await eventually(lambda: len(old.readers) == 2, "the slow viewer is on its way")
        edge.worker.holdings.remove(old, MissClass.PURGED)
        film.version = 2
        await watch(edge, 2, film.size_bytes)
        assert (await slow.answer()).body == film_bytes(1, 1, film.size_bytes)
        await all_at_rest(edge)
        await eventually(lambda: not any(old.present), "its blocks are gone")
        assert not any(old.files)
    assert_disk_equals_index(plan.cache, edge)


async def test_a_purge_while_blocks_are_written_leaves_no_file(
    plan: Plan, film: FilmOrigin
) -> None:
    held = film.holds[6 * BLOCK + 10] = asyncio.Event()
    async with plan.start() as edge:
        client = await edge.client()
        await client.send(head(TARGET))
        await eventually(lambda: film.sent[6] == 10, "the fill is on its way")
        # What the origin has sent may still be in the socket.
        await eventually(lambda: KEY in edge.worker.holdings.entries, "the edge has its head")
        edge.worker.holdings.remove(entry_of(edge), MissClass.PURGED)
        held.set()
        assert (await client.answer()).body == film_bytes(1, 0, SIZE)
        await all_at_rest(edge)
        assert edge.worker.holdings.held_bytes == 0
    assert_disk_equals_index(plan.cache, edge)


async def test_open_files_are_bounded_and_the_least_used_are_closed(
    plan: Plan, origin: Origin
) -> None:
    film = FilmOrigin(300 * BLOCK, BLOCK)
    origin.scripts[TARGET] = film.serve
    async with plan.start() as edge:
        holdings = edge.worker.holdings
        holdings.open_files = OpenFiles(20)
        client = await edge.client()
        for _ in range(2):
            assert (await client.ask(TARGET)).body == film_bytes(1, 0, film.size_bytes)
        await eventually(lambda: not edge.worker.fills._saving, "all is saved")
        assert len(holdings.open_files) == 20
        assert sum(file is not None for file in entry_of(edge).files) <= 20
        oldest = next(block for block in range(300) if entry_of(edge).files[block] is not None)
        holdings.touch(entry_of(edge), oldest, oldest + 1)
        holdings.open_block(entry_of(edge), 0)
        assert entry_of(edge).files[oldest] is not None
        await all_at_rest(edge)
        before = len(os.listdir("/proc/self/fd"))
        holdings.remove(entry_of(edge), MissClass.PURGED)
        await eventually(lambda: len(os.listdir("/proc/self/fd")) == before - 20, "all are closed")
        assert not len(holdings.open_files)


async def test_bytes_that_left_the_page_cache_are_read_by_a_disks_thread_before_they_are_sent(
    plan: Plan, film: FilmOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers: list[str] = []
    verify = Disk.verify_block

    def noted(disk: Disk, *place: Any) -> Any:
        readers.append(threading.current_thread().name)
        return verify(disk, *place)

    looked_at: set[int] = set()

    def is_resident_from_the_second_look(fd: int, _size_bytes: int) -> bool:
        # Asking the system brings pages back at a moment of its choice.
        number = os.fstat(fd).st_ino
        is_known = number in looked_at
        looked_at.add(number)
        return is_known

    monkeypatch.setattr(Disk, "verify_block", noted)
    monkeypatch.setattr("edge.cache.files.is_resident", is_resident_from_the_second_look)
    await fill(plan)
    files = blocks_on_disk(plan.cache)
    async with plan.start() as edge:
        assert set(entry_of(edge).present) == {HELD}
        await watch(edge)
        await watch(edge)
        await all_at_rest(edge)
        assert set(entry_of(edge).present) == {HELD}
    assert film.requests == [""]
    assert len(readers) >= len(files) == len(looked_at)
    assert all(name.startswith("disk-") for name in readers)


async def test_a_lack_of_descriptors_loses_no_block(
    plan: Plan, film: FilmOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(plan)

    def none_left(*arguments: object) -> object:
        raise OSError(errno.EMFILE, "Too many open files")

    async with plan.start() as edge:
        with monkeypatch.context() as patch:
            patch.setattr(Disk, "open_block", none_left)
            client = await edge.client()
            with pytest.raises(CutShortError):
                await client.ask(TARGET)
        assert edge.worker.holdings.held_blocks == 13
        await watch(edge)
    assert film.requests == [""]


def breaking_writes(number: int) -> object:
    def write(self: Disk, *arguments: object) -> object:
        raise OSError(number, os.strerror(number))

    return write


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
async def test_a_disk_that_takes_nothing_costs_the_cache_and_not_the_viewers(
    plan: Plan, film: FilmOrigin, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    film.size_bytes = 40 * BLOCK
    monkeypatch.setattr(Disk, "write_block", breaking_writes(number))
    async with plan.start() as edge:
        await asyncio.gather(*(watch(edge, size=film.size_bytes) for _ in range(10)))
        assert edge.worker.holdings.held_bytes == 0
        # What is in memory anyway is not asked for again by viewers that move together.
        assert film.sent_bytes <= 4 * film.size_bytes
        await all_at_rest(edge)
        monkeypatch.undo()
        await watch(edge, size=film.size_bytes)
        await all_at_rest(edge)
        assert edge.worker.holdings.held_bytes == film.size_bytes
    assert_disk_equals_index(plan.cache, edge)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    path = tmp_path / "tiny"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small file system can be mounted here")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


async def test_a_disk_smaller_than_it_was_said_to_be_keeps_what_fits(
    plan: Plan, film: FilmOrigin, tiny_disk: Path
) -> None:
    film.size_bytes = 128 * BLOCK
    tight = replace(plan, cache=tiny_disk / "cache")
    async with tight.start() as edge:
        most_held = 0
        for _ in range(10):
            # How many writes meet the full disk at once, and so make room, differs from run to run.
            await watch(edge, size=film.size_bytes)
            await all_at_rest(edge)
            assert edge.worker.holdings.held_bytes <= 4 * MIB
            most_held = max(most_held, edge.worker.holdings.held_bytes)
        assert most_held > 2 * MIB
    assert_disk_equals_index(tight.cache, edge)


def test_the_trailer_is_small() -> None:
    assert TRAILER_BYTES == 16


async def test_entries_without_blocks_are_bounded_and_the_least_used_leave(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.cache.holdings._EMPTY_ENTRIES_MAX", 3)
    for number in range(4):
        plan.origin.put(f"/empty/{number}", b"")
        plan.origin.put(f"/full/{number}", b"film")
    full = {b"/full/%d" % number for number in range(4)}
    async with plan.start() as edge:
        client, holdings = await edge.client(), edge.worker.holdings
        for number in range(4):
            await client.ask(f"/full/{number}")
        await eventually(lambda: holdings.held_blocks == 4, "what has content is held")
        for number in range(3):
            await client.ask(f"/empty/{number}")
        await client.ask("/empty/0", method="HEAD")
        await client.ask("/empty/3")
        assert set(holdings.entries) == full | {b"/empty/0", b"/empty/2", b"/empty/3"}
        assert holdings.why_missing(b"/empty/1") is MissClass.EVICTED
    assert len(list(plan.cache.glob("??/*/entry"))) == 7
    monkeypatch.setattr("edge.cache.holdings._EMPTY_ENTRIES_MAX", 1)
    async with plan.start() as edge:
        assert len(edge.worker.holdings.entries) == 5
        assert full < set(edge.worker.holdings.entries)


async def test_an_entry_without_blocks_stays_while_somebody_reads_it(
    plan: Plan, film: FilmOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.cache.holdings._EMPTY_ENTRIES_MAX", 1)
    for number in range(4):
        plan.origin.put(f"/empty/{number}", b"")
    async with plan.start() as edge:
        client, viewer, holdings = await edge.client(), await edge.client(), edge.worker.holdings
        await viewer.ask(TARGET)
        await eventually(lambda: holdings.held_blocks == 13, "all is held")
        for block in range(13):
            holdings.keeping.pop(entry_of(edge).disk)
            holdings._evict(entry_of(edge), block)
        for number in range(3):
            await client.ask(f"/empty/{number}")
        assert KEY in holdings.entries
        viewer.close()
        await eventually(lambda: not entry_of(edge).readers, "nobody reads it")
        await client.ask("/empty/3")
        assert KEY not in holdings.entries

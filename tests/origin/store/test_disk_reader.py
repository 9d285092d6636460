"""Reading from disk when copies are gone, short, flipped, or on a volume that fails."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cdnkit.errors import NotFoundError, UnavailableError
from origin.store.base import StoredObject
from origin.store.disk import DiskStore
from origin.store.extents import extent_name
from origin.store.sums import PIECE_BYTES
from tests.origin.store.stores import copies_of, disk_store, files_of, get, put

DATA = bytes(range(256)) * 20
STORED = StoredObject("a", 1, len(DATA), 1000)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DiskStore]:
    """Four volumes, two copies, one object."""
    async with disk_store(tmp_path, 4, 2) as opened:
        await put(opened, DATA)
        yield opened


def failing(store: DiskStore) -> list[str]:
    return [state.name for state in store.volume_states() if state.failure is not None]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[17] ^= 4
    path.write_bytes(content)


def overwrite(path: Path, at: int, data: bytes) -> None:
    """Change a file where it is, as a disk does, and not by renaming another over it."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def in_order(store: DiskStore, root: Path, index: int) -> list[Path]:
    """The copies of an extent, that which is read first."""
    copies = copies_of(root, STORED, index)
    slices = store.slices(STORED, index * 1000, index * 1000 + 1)
    assert slices is not None
    return sorted(copies, key=lambda path: str(path) != slices[0].path)


def doubted(store: DiskStore) -> set[str]:
    return set(store._volumes.take_doubted())


async def test_the_other_copy_serves_when_a_volume_vanishes(
    store: DiskStore, tmp_path: Path
) -> None:
    shutil.rmtree(in_order(store, tmp_path, 0)[0].parents[2])
    assert await get(store, STORED, 0, len(DATA)) == DATA
    assert len(failing(store)) == 1


async def test_a_copy_that_is_missing_where_it_belongs_is_told_once(
    store: DiskStore, tmp_path: Path
) -> None:
    volumes = store._volumes
    before = volumes.shortages
    assert await get(store, STORED, 0, len(DATA)) == DATA
    assert volumes.shortages == before
    store._reader.descriptors.clear()
    first = in_order(store, tmp_path, 2)[0]
    first.unlink()
    for _ in range(2):
        assert await get(store, STORED, 2000, 3000) == DATA[2000:3000]
        store._reader.descriptors.clear()
    assert (failing(store), volumes.shortages - before) == ([], 1)
    volumes.forget_missed()
    await get(store, STORED, 2000, 3000)
    assert volumes.shortages - before == 2


async def test_the_other_copy_serves_for_a_short_one_which_is_doubted(
    store: DiskStore, tmp_path: Path
) -> None:
    os.truncate(in_order(store, tmp_path, 2)[0], 500)
    assert await get(store, STORED, 0, len(DATA)) == DATA
    assert doubted(store) == {extent_name("a", 1, 2)}
    assert failing(store) == []


async def test_a_flipped_bit_is_found_by_the_first_read_and_never_served(
    store: DiskStore, tmp_path: Path
) -> None:
    flip(in_order(store, tmp_path, 2)[0])
    for _ in range(2):
        assert await get(store, STORED, 0, len(DATA)) == DATA
        assert await get(store, STORED, 2900, 2901) == DATA[2900:2901]
    assert doubted(store) == {extent_name("a", 1, 2)}


async def test_a_bit_that_flips_after_reads_is_not_served_from_the_open_file(
    store: DiskStore, tmp_path: Path
) -> None:
    lease = await store.lease(STORED, 0, len(DATA))
    await lease.make_ready(2, 0, 1000)
    assert lease.is_ready(2, 0, 1000)
    overwrite(in_order(store, tmp_path, 2)[0], 0, b"flip")
    assert not lease.is_ready(2, 0, 1000)
    await lease.make_ready(2, 0, 1000)
    piece = lease.slices[2]
    assert os.pread(piece.fd, 1000, 0) == DATA[2000:3000]
    lease.release()


async def test_copies_that_are_bad_in_different_places_serve_together(tmp_path: Path) -> None:
    data = os.urandom(2 * PIECE_BYTES + 100)
    async with disk_store(tmp_path, 2, 2, extent_bytes=len(data)) as store:
        stored = (await put(store, data)).stored
        for path, at in zip(copies_of(tmp_path, stored, 0), (3, PIECE_BYTES + 3), strict=True):
            overwrite(path, at, bytes([data[at] ^ 1]))
        assert await get(store, stored, 0, len(data)) == data


async def test_one_bad_piece_does_not_cost_the_others_of_a_lone_copy(tmp_path: Path) -> None:
    data = os.urandom(2 * PIECE_BYTES)
    async with disk_store(tmp_path, 1, 1, extent_bytes=len(data)) as store:
        stored = (await put(store, data)).stored
        flip(copies_of(tmp_path, stored, 0)[0])
        with pytest.raises(UnavailableError):
            await get(store, stored, 0, 1)
        assert await get(store, stored, PIECE_BYTES, len(data)) == data[PIECE_BYTES:]


async def test_the_copy_in_reserve_is_verified_before_it_is_trusted(
    store: DiskStore, tmp_path: Path
) -> None:
    first, second = in_order(store, tmp_path, 2)
    os.truncate(first, 500)
    flip(second)
    with pytest.raises(UnavailableError):
        await get(store, STORED, 0, len(DATA))
    assert await get(store, STORED, 0, 2000) == DATA[:2000]


async def test_copies_on_a_readmitted_volume_are_verified(store: DiskStore, tmp_path: Path) -> None:
    first = in_order(store, tmp_path, 0)[0]
    volume = first.parents[2]
    volume.rename(tmp_path / "away")
    await get(store, STORED, 0, len(DATA))
    assert failing(store) == [volume.name]
    with pytest.raises(NotFoundError):
        await store.readmit("v9")
    (tmp_path / "away").rename(volume)
    flip(first)
    await store.readmit(volume.name)
    store._reader.descriptors.clear()
    assert failing(store) == []
    assert await get(store, STORED, 0, len(DATA)) == DATA
    assert doubted(store) == {extent_name("a", 1, 0)}


async def test_a_read_error_in_the_middle_is_made_good_within_the_request(
    store: DiskStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = str(in_order(store, tmp_path, 3)[0].parents[2])
    real = os.pread

    def fail(fd: int, size_bytes: int, offset: int) -> bytes:
        if os.readlink(f"/proc/self/fd/{fd}").startswith(f"{bad}/"):
            raise OSError(errno.EIO, "Input/output error")
        return real(fd, size_bytes, offset)

    monkeypatch.setattr(os, "pread", fail)
    assert await get(store, STORED, 0, len(DATA)) == DATA
    assert failing(store) == [Path(bad).name]


async def test_a_file_cut_while_it_is_read_is_made_good(store: DiskStore, tmp_path: Path) -> None:
    reading = store.read(STORED, 0, len(DATA))
    got = [await anext(reading)]
    os.truncate(in_order(store, tmp_path, 4)[0], 10)
    got += [piece async for piece in reading]
    assert b"".join(got) == DATA


async def test_a_lease_outlives_the_object(store: DiskStore, tmp_path: Path) -> None:
    lease = await store.lease(STORED, 900, 3100)
    await store.delete(STORED)
    assert files_of(tmp_path) == []
    assert [state.used_bytes for state in store.volume_states()] == [0] * 4
    found = [os.pread(piece.fd, piece.stop - piece.start, piece.start) for piece in lease.slices]
    assert b"".join(found) == DATA[900:3100]
    lease.release()
    assert len(store._reader.descriptors) == 0


async def test_a_lease_that_fails_half_way_holds_nothing(store: DiskStore, tmp_path: Path) -> None:
    for path in copies_of(tmp_path, STORED, 3):
        path.unlink()
    with pytest.raises(NotFoundError):
        await store.lease(STORED, 0, len(DATA))
    await store.delete(STORED)
    assert len(store._reader.descriptors) == 0


async def test_running_out_of_descriptors_blames_no_volume(
    store: DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(UnavailableError):
            await get(store, STORED, 0, 10)
    assert failing(store) == []
    assert await get(store, STORED, 0, 10) == DATA[:10]


async def test_a_reader_that_leaves_while_a_file_is_opened_leaks_nothing(
    store: DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, leave = threading.Event(), threading.Event()
    opened: list[int] = []
    closed = asyncio.Event()
    real_open, real_close = os.open, os.close
    loop = asyncio.get_running_loop()

    def slow_open(path: str, flags: int) -> int:
        entered.set()
        assert leave.wait(10)
        opened.append(real_open(path, flags))
        return opened[0]

    def watched_close(fd: int) -> None:
        real_close(fd)
        if fd in opened:
            loop.call_soon_threadsafe(closed.set)

    monkeypatch.setattr(os, "open", slow_open)
    monkeypatch.setattr(os, "close", watched_close)
    leasing = asyncio.ensure_future(store.lease(STORED, 0, 10))
    await asyncio.to_thread(entered.wait, 10)
    leasing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leasing
    leave.set()
    await asyncio.wait_for(closed.wait(), 10)
    assert len(store._reader.descriptors) == 0

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

from cdnkit.errors import ConflictError, NotFoundError, UnavailableError
from origin.store.base import FileSlice, StoredObject
from origin.store.disk import DiskStore
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


def read_part(piece: FileSlice) -> bytes:
    return Path(piece.path).read_bytes()[piece.start : piece.stop]


def in_order(store: DiskStore, root: Path, index: int) -> list[Path]:
    """The copies of an extent, that which is read first."""
    copies = copies_of(root, STORED, index)
    slices = store.slices(STORED, index * 1000, index * 1000 + 1)
    assert slices is not None
    return sorted(copies, key=lambda path: str(path) != slices[0].path)


async def test_each_extent_has_its_copies_on_different_volumes(
    store: DiskStore, tmp_path: Path
) -> None:
    for index in range(6):
        assert len({path.parts[-4] for path in copies_of(tmp_path, STORED, index)}) == 2


async def test_the_other_copy_serves_when_a_volume_vanishes(
    store: DiskStore, tmp_path: Path
) -> None:
    shutil.rmtree(in_order(store, tmp_path, 0)[0].parents[2])
    assert await get(store, STORED, 0, len(DATA)) == DATA
    assert len(failing(store)) == 1


async def test_a_short_copy_is_set_aside_and_the_other_serves(
    store: DiskStore, tmp_path: Path
) -> None:
    first, second = in_order(store, tmp_path, 2)
    os.truncate(first, 500)
    assert await get(store, STORED, 0, len(DATA)) == DATA
    assert copies_of(tmp_path, STORED, 2) == [second]
    assert (first.parents[2] / "damaged" / first.name).exists()
    assert failing(store) == []


async def test_a_flipped_byte_is_found_once_the_object_is_suspect(
    store: DiskStore, tmp_path: Path
) -> None:
    flip(in_order(store, tmp_path, 2)[0])
    assert await get(store, STORED, 0, len(DATA)) != DATA, "a sound length raises no suspicion"
    await store.suspect(STORED)
    assert await get(store, STORED, 0, len(DATA)) == DATA
    assert len(copies_of(tmp_path, STORED, 2)) == 1


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
    store._descriptors.clear()
    assert failing(store) == []
    assert await get(store, STORED, 0, len(DATA)) == DATA
    assert first not in copies_of(tmp_path, STORED, 0)


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


async def test_lost_bytes_are_not_found_unless_a_failing_volume_may_have_them(
    store: DiskStore, tmp_path: Path
) -> None:
    for path in copies_of(tmp_path, STORED, 1):
        path.unlink()
    with pytest.raises(NotFoundError):
        await get(store, STORED, 1000, 1001)
    shutil.rmtree(tmp_path / "v0")
    store._descriptors.clear()
    with pytest.raises(UnavailableError):
        await get(store, STORED, 1000, 1001)


async def test_a_restart_finds_everything_and_counts_it(tmp_path: Path) -> None:
    async with disk_store(tmp_path, 2, 2) as store:
        await put(store, DATA)
        used = [state.used_bytes for state in store.volume_states()]
        writer = await store.create("torn", 1)
        await writer.write(bytes(5000))
        await writer._hop(lambda: None)  # type: ignore[attr-defined]
    async with disk_store(tmp_path, 2, 2) as store:
        assert await get(store, STORED, 0, len(DATA)) == DATA
        assert [state.used_bytes for state in store.volume_states()] == used
        assert sum(path.stat().st_size for path in files_of(tmp_path)) == sum(used)
        with pytest.raises(ConflictError):
            await store.create("a", 1)


async def test_new_volumes_do_not_hide_old_objects(tmp_path: Path) -> None:
    async with disk_store(tmp_path, 1, 1) as store:
        await put(store, DATA)
    async with disk_store(tmp_path, 6, 2) as store:
        assert await get(store, STORED, 0, len(DATA)) == DATA
        await store.delete(STORED)
        assert files_of(tmp_path) == []


async def test_slices_name_the_files_of_an_interval(store: DiskStore) -> None:
    slices = store.slices(STORED, 900, 3100)
    assert slices is not None
    found = b"".join(read_part(piece) for piece in slices)
    assert found == DATA[900:3100]
    await store.delete(STORED)
    assert store.slices(STORED, 900, 3100) is None


async def test_a_lease_outlives_the_object(store: DiskStore, tmp_path: Path) -> None:
    lease = await store.lease(STORED, 900, 3100)
    await store.delete(STORED)
    assert files_of(tmp_path) == []
    assert [state.used_bytes for state in store.volume_states()] == [0] * 4
    found = [os.pread(piece.fd, piece.stop - piece.start, piece.start) for piece in lease.slices]
    assert b"".join(found) == DATA[900:3100]
    lease.release()
    assert len(store._descriptors) == 0


async def test_a_lease_that_fails_half_way_holds_nothing(store: DiskStore, tmp_path: Path) -> None:
    for path in copies_of(tmp_path, STORED, 3):
        path.unlink()
    with pytest.raises(NotFoundError):
        await store.lease(STORED, 0, len(DATA))
    await store.delete(STORED)
    assert len(store._descriptors) == 0


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
    assert len(store._descriptors) == 0

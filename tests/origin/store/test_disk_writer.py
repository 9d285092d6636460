"""The writer on disk: bounded memory, nothing visible before commit, nothing left after abort."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import random
import threading
import tracemalloc
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdnkit.errors import ConflictError, NotFoundError, StorageFullError, UnavailableError
from origin.store import disk_writer
from origin.store.base import StoredObject
from origin.store.disk import THREADS_DEFAULT, DiskStore
from origin.store.piece_budget import PIECES_MAX
from origin.store.piece_memory import PIECES
from tests.origin.store.faulty_disk import FaultyDisk
from tests.origin.store.stores import EXTENT_BYTES, disk_store, files_of, get, put

MIB = 1024 * 1024


async def test_memory_does_not_grow_with_the_object(tmp_path: Path) -> None:
    async with disk_store(tmp_path, 2, 2, extent_bytes=16 * MIB) as store:
        writer = await store.create("a", 1)
        piece = os.urandom(64 * 1024)
        tracemalloc.start()
        try:
            for _ in range(64 * 16):
                await writer.write(piece)
            receipt = await writer.commit()
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert receipt.stored.size_bytes == 64 * MIB
        assert peak_bytes < 6 * MIB


async def test_nothing_can_be_read_before_commit(tmp_path: Path) -> None:
    async with disk_store(tmp_path) as store:
        writer = await store.create("a", 1)
        await writer.write(bytes(5000))
        with pytest.raises(NotFoundError):
            await get(store, StoredObject("a", 1, 5000, EXTENT_BYTES), 0, 10)
        stored = (await writer.commit()).stored
        assert await get(store, stored, 0, 5000) == bytes(5000)
        assert not [path for path in files_of(tmp_path) if path.parent.name == ".partial"]


async def test_abort_waits_for_the_threads_of_a_cancelled_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, leave = threading.Event(), threading.Event()
    real = os.pwrite

    def slow(fd: int, data: bytes, offset: int) -> int:
        entered.set()
        assert leave.wait(10)
        return real(fd, data, offset)

    async with disk_store(tmp_path) as store:
        writer = await store.create("a", 1)
        monkeypatch.setattr(os, "pwrite", slow)
        writing = asyncio.ensure_future(writer.write(bytes(9 * EXTENT_BYTES)))
        await asyncio.to_thread(entered.wait, 10)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        aborting = asyncio.ensure_future(writer.abort())
        await asyncio.sleep(0)
        assert not aborting.done()
        leave.set()
        await aborting
        assert files_of(tmp_path) == []
        assert [state.used_bytes for state in store.volume_states()] == [0]


async def test_a_failed_commit_removes_the_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with disk_store(tmp_path) as store:
        writer = await store.create("a", 1)
        await writer.write(bytes(3000))

        def refuse(source: str, target: str) -> None:
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", refuse)
            with pytest.raises(UnavailableError):
                await writer.commit()
        assert files_of(tmp_path) == []
        with pytest.raises(ConflictError):
            await writer.commit()
        assert store.volume_states()[0].failure is not None


@pytest.mark.parametrize(
    ("why", "told"), [(errno.EMFILE, UnavailableError), (errno.ENOSPC, StorageFullError)]
)
async def test_a_name_that_cannot_be_made_durable_is_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: int, told: type[Exception]
) -> None:
    def refuse(directory: str) -> None:
        raise OSError(why, os.strerror(why))

    async with disk_store(tmp_path) as store:
        writer = await store.create("a", 1)
        await writer.write(bytes(3000))
        with monkeypatch.context() as patch:
            patch.setattr(disk_writer, "sync_directory", refuse)
            with pytest.raises(told):
                await writer.commit()
        assert files_of(tmp_path) == []
        assert store.volume_states()[0].failure is None


async def test_full_in_the_middle_leaves_others_alone(tmp_path: Path) -> None:
    async with disk_store(tmp_path, 2, 2, size_bytes=5200) as store:
        kept = (await put(store, b"x" * 2000, "kept")).stored
        before = store.volume_states()
        writer = await store.create("a", 1)
        with pytest.raises(StorageFullError):
            await writer.write(bytes(10_000))
        assert store.volume_states() == before
        assert await get(store, kept, 0, 2000) == b"x" * 2000


@given(
    st.integers(0, 7 * MIB),
    st.none() | st.integers(-2 * MIB, 2 * MIB),
    st.integers(1, 2),
    st.integers(MIB, 5 * MIB),
)
@settings(max_examples=25, deadline=None)
def test_what_was_announced_decides_nothing_but_where_blocks_are_set_aside(
    size_bytes: int, more_bytes: int | None, copies: int, extent_bytes: int
) -> None:
    data = random.Random(size_bytes).randbytes(size_bytes)
    announced = None if more_bytes is None else max(0, size_bytes + more_bytes)

    async def main(root: Path) -> None:
        async with disk_store(root, 2, copies, extent_bytes=extent_bytes) as store:
            writer = await store.create("a", 1, announced)
            for at in range(0, size_bytes, 700_001):
                await writer.write(data[at : at + 700_001])
            receipt = await writer.commit()
            assert receipt.sha256 == hashlib.sha256(data).digest()
            assert await get(store, receipt.stored, 0, size_bytes) == data
            sizes = [
                sum(file.stat().st_size for file in files_of(root) if name in file.parts)
                for name in ("v0", "v1")
            ]
            assert [state.used_bytes for state in store.volume_states()] == sizes

    with TemporaryDirectory() as root:
        asyncio.run(main(Path(root)))


async def test_a_disk_that_is_slow_to_write_holds_up_no_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, leave = threading.Semaphore(0), threading.Event()
    real = os.pwrite

    def slow(fd: int, data: bytes, offset: int) -> int:
        entered.release()
        assert leave.wait(10)
        return real(fd, data, offset)

    async with disk_store(tmp_path, extent_bytes=16 * MIB) as store:
        kept = (await put(store, b"x" * 2000, "kept")).stored
        monkeypatch.setattr(os, "pwrite", slow)
        writers = [await store.create(f"a{number}", 1) for number in range(4)]
        writing = [asyncio.ensure_future(writer.write(bytes(9 * MIB))) for writer in writers]
        async with asyncio.timeout(5):
            for _ in range(THREADS_DEFAULT):
                await asyncio.to_thread(entered.acquire, timeout=5)
            assert await get(store, kept, 0, 2000) == b"x" * 2000
        leave.set()
        await asyncio.gather(*writing)
        for writer in writers:
            await writer.abort()


async def test_many_uploads_at_once_hold_no_more_than_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads, leave = 16, threading.Event()
    real = os.pwrite
    taken = [0]

    def slow(fd: int, data: bytes, offset: int) -> int:
        assert leave.wait(10)
        return real(fd, data, offset)

    async with disk_store(tmp_path, extent_bytes=64 * MIB) as store:
        monkeypatch.setattr(os, "pwrite", slow)
        piece = bytes(MIB)

        async def upload(number: int) -> None:
            writer = await store.create(f"a{number}", 1)
            for _ in range(20):
                await writer.write(piece)
                taken[0] += 1
            await writer.abort()

        uploading = [asyncio.ensure_future(upload(number)) for number in range(uploads)]
        before = -1
        while before != taken[0] or taken[0] <= PIECES_MAX // 2:
            before = taken[0]
            await asyncio.wait(uploading, timeout=0.1)
        # What waits, and what the threads have in hand.
        assert PIECES_MAX // 2 < taken[0] <= PIECES_MAX + THREADS_DEFAULT
        leave.set()
        await asyncio.gather(*uploading)


async def test_an_extent_is_synced_while_the_next_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, leave = threading.Event(), threading.Event()
    real = os.fsync

    def slow(fd: int) -> None:
        entered.set()
        assert leave.wait(10)
        real(fd)

    async with disk_store(tmp_path, extent_bytes=2 * MIB) as store:
        monkeypatch.setattr(os, "fsync", slow)
        writer = await store.create("a", 1, 6 * MIB)
        async with asyncio.timeout(5):
            await writer.write(bytes(6 * MIB))
            await asyncio.to_thread(entered.wait, 10)
        sealing = asyncio.ensure_future(writer.seal())
        await asyncio.sleep(0)
        assert not sealing.done()
        leave.set()
        await sealing
        assert (await writer.commit()).stored.size_bytes == 6 * MIB


async def test_a_write_that_fails_ends_the_object_though_extents_wait_for_their_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave = threading.Event()

    def fail(fd: int, data: bytes, offset: int) -> int:
        assert leave.wait(10)
        raise OSError(5, "Input/output error")

    async with disk_store(tmp_path, extent_bytes=MIB) as store:
        writer = await store.create("a", 1)
        monkeypatch.setattr(os, "pwrite", fail)
        writing = asyncio.ensure_future(writer.write(bytes(9 * MIB)))
        done, _ = await asyncio.wait([writing], timeout=0.1)
        assert not done
        leave.set()
        async with asyncio.timeout(5):
            with pytest.raises(UnavailableError):
                await writing
        assert files_of(tmp_path) == []
        assert [state.used_bytes for state in store.volume_states()] == [0]


def descriptors_of(root: Path) -> list[str]:
    """Files of extents below `root` that are open."""
    found = []
    for fd in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            path = os.readlink(f"/proc/self/fd/{fd}")
            if path.startswith(str(root)) and ("/.partial/" in path or "/extents/" in path):
                found.append(path)
    return found


async def upload_among_faults(
    store: DiskStore, name: str, rng: random.Random
) -> tuple[StoredObject, bytes] | None:
    """Write an object, or give up somewhere; None when it did not get there."""
    data = rng.randbytes(rng.randrange(5 * MIB))
    announced = rng.choice([None, len(data), max(0, len(data) + rng.randint(-MIB, MIB))])
    turns = rng.choice([1 << 30, rng.randrange(60)])

    async def write_all() -> StoredObject:
        for at in range(0, len(data), MIB):
            piece = PIECES.take()[: min(MIB, len(data) - at)]
            piece[:] = data[at : at + MIB]
            await writer.write(piece)
        return (await writer.commit()).stored

    try:
        writer = await store.create(name, 1, announced)
        writing = asyncio.ensure_future(write_all())
        while turns and not writing.done():
            turns -= 1
            await asyncio.sleep(0)
        writing.cancel()
        return await writing, data
    except asyncio.CancelledError:
        await writer.abort()
    except (StorageFullError, UnavailableError):
        pass
    return None


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_fails_objects_are_whole_or_gone(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    volumes = rng.randint(1, 4)
    copies, extent_bytes = rng.randint(1, min(3, volumes)), rng.choice([MIB, 2 * MIB + 123])
    disk = FaultyDisk(tmp_path, rng, rng.choice([0.002, 0.01, 0.05]))
    async with disk_store(tmp_path, volumes, copies, extent_bytes=extent_bytes) as store:
        with disk.failing():
            async with asyncio.timeout(20):
                ended = await asyncio.gather(
                    *(upload_among_faults(store, f"a{number}", rng) for number in range(3))
                )
        assert descriptors_of(tmp_path) == []
        for stored, data in filter(None, ended):
            assert await get(store, stored, 0, len(data)) == data
        files = files_of(tmp_path)
        for state in store.volume_states():
            if state.failure is not None:
                assert state.name in disk.to_blame, state.failure
            else:
                its = [path for path in files if state.name in path.parts]
                assert state.used_bytes == sum(path.stat().st_size for path in its)
                assert not [path for path in its if ".partial" in path.parts]
        if not any(ended):
            assert not [path for path in files if "extents" in path.parts]

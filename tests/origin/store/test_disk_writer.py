"""The writer on disk: bounded memory, nothing visible before commit, nothing left after abort."""

from __future__ import annotations

import asyncio
import os
import threading
import tracemalloc
from pathlib import Path

import pytest

from cdnkit.errors import ConflictError, NotFoundError, StorageFullError, UnavailableError
from origin.store.base import StoredObject
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
        writing = asyncio.ensure_future(writer.write(bytes(3000)))
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


async def test_full_in_the_middle_leaves_others_alone(tmp_path: Path) -> None:
    async with disk_store(tmp_path, 2, 2, size_bytes=5200) as store:
        kept = (await put(store, b"x" * 2000, "kept")).stored
        before = store.volume_states()
        writer = await store.create("a", 1)
        with pytest.raises(StorageFullError):
            await writer.write(bytes(10_000))
        assert store.volume_states() == before
        assert await get(store, kept, 0, 2000) == b"x" * 2000

"""The store in a bucket: what is asked ahead, what is told of trouble, what a lost server costs."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import random
from typing import Any

import obstore
import pytest
from obstore.store import MemoryStore as ObstoreMemory

from cdnkit.errors import NotFoundError, UnavailableError
from origin.store.base import ByteStore, StoredObject
from origin.store.extents import PIECE_BYTES, extent_name
from origin.store.objects import READ_AHEAD_PIECES, ObjectByteStore, open_object_store
from tests.helpers.processes import wait_until
from tests.helpers.seaweedfs import SeaweedFS, free_ports, seaweedfs_cluster
from tests.origin.store.stores import get, put

MIB = 1024 * 1024


async def test_pieces_are_asked_for_ahead_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    store = ObjectByteStore(ObstoreMemory(), 64 * MIB)
    stored = (await put(store, bytes(12 * PIECE_BYTES))).stored
    asked: list[int] = []
    real = obstore.get_range_async

    async def get_range(bucket: Any, name: str, *, start: int, end: int) -> Any:
        asked.append(start)
        return await real(bucket, name, start=start, end=end)

    monkeypatch.setattr(obstore, "get_range_async", get_range)
    reading = store.read(stored, 0, 12 * PIECE_BYTES)
    await anext(reading)
    assert len(asked) == READ_AHEAD_PIECES + 1
    await anext(reading)
    await asyncio.sleep(0)
    assert len(asked) == READ_AHEAD_PIECES + 2
    await reading.aclose()  # type: ignore[attr-defined]


async def test_reader_that_leaves_takes_its_requests_along() -> None:
    store = ObjectByteStore(ObstoreMemory(), 64 * MIB)
    stored = (await put(store, bytes(8 * PIECE_BYTES))).stored
    reading = store.read(stored, 0, 8 * PIECE_BYTES)
    await anext(reading)
    await reading.aclose()  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_extent_that_is_shorter_than_it_should_be_is_not_served() -> None:
    bucket = ObstoreMemory()
    store = ObjectByteStore(bucket, 1000)
    stored = (await put(store, bytes(2500))).stored
    obstore.put(bucket, extent_name("a", 1, 1), bytes(999))
    assert await get(store, stored, 0, 1999) == bytes(1999)
    with pytest.raises(UnavailableError):
        await get(store, stored, 0, 2000)


async def test_deleted_object_is_gone_at_once_for_new_readers_only() -> None:
    bucket = ObstoreMemory()
    store = ObjectByteStore(bucket, 1000)
    stored = (await put(store, bytes(9000))).stored
    reading = store.read(stored, 0, 9000)
    await anext(reading)
    await store.delete(stored)
    with pytest.raises(NotFoundError):
        await get(store, stored, 0, 1)
    assert sum([len(piece) async for piece in reading]) == 8000
    await store.close()
    assert [each["path"] for batch in obstore.list(bucket) for each in batch] == []


async def test_service_that_is_away_is_told_at_the_opening(seaweedfs: SeaweedFS) -> None:
    settings = dataclasses.replace(seaweedfs.settings(), retries_max=0)
    nobody = dataclasses.replace(settings, endpoint=f"http://127.0.0.1:{free_ports(1)[0]}")
    for wrong in (
        nobody,
        dataclasses.replace(settings, bucket="nowhere"),
        dataclasses.replace(settings, secret="wrong"),
    ):
        with pytest.raises(UnavailableError, match=wrong.bucket):
            await open_object_store(wrong)


async def test_object_of_many_parts_is_whole(seaweedfs: SeaweedFS) -> None:
    store = await open_object_store(seaweedfs.settings("parts"), 20 * MIB)
    data = random.Random(1).randbytes(45 * MIB + 7)
    receipt = await put(store, data)
    assert receipt.sha256 == hashlib.sha256(data).digest()
    digest = hashlib.sha256()
    async for piece in store.read(receipt.stored, 0, len(data)):
        digest.update(piece)
    assert digest.digest() == receipt.sha256
    await store.delete(receipt.stored)
    with pytest.raises(NotFoundError):
        await get(store, receipt.stored, 0, 1)


@pytest.mark.slow
async def test_volume_server_killed_under_load_loses_nothing() -> None:
    """Writers and readers go on while one of three servers dies; every byte is there afterwards."""
    with seaweedfs_cluster() as cluster:
        store = await open_object_store(cluster.settings("load"), 4 * MIB)
        chance = random.Random(2)
        contents = {f"f{n}": chance.randbytes(9 * MIB + n) for n in range(4)}
        stored = {name: (await put(store, data, name)).stored for name, data in contents.items()}
        is_over = asyncio.Event()
        reads = asyncio.create_task(read_until(store, stored, contents, is_over))
        writes = asyncio.create_task(write_until(store, is_over))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(cluster.kill_volume_server, 1)
        await asyncio.sleep(3)
        is_over.set()
        assert await reads > 20
        written = await writes
        assert len(written) > 1
        for name, (later, data) in written.items():
            assert await get(store, later, 0, len(data)) == data, name
        await asyncio.to_thread(cluster.start_volume_server, 1)
        await asyncio.to_thread(wait_until, lambda: cluster.volume_servers() == 3, "it is back", 30)
        for name, data in contents.items():
            assert await get(store, stored[name], 0, len(data)) == data, name


async def read_until(
    store: ByteStore,
    stored: dict[str, StoredObject],
    contents: dict[str, bytes],
    is_over: asyncio.Event,
) -> int:
    """Read random ranges and compare; how many. Any error fails."""
    chance, done = random.Random(3), 0
    while not is_over.is_set():
        name = chance.choice(sorted(contents))
        start = chance.randrange(len(contents[name]))
        stop = min(len(contents[name]), start + 500_000)
        assert await get(store, stored[name], start, stop) == contents[name][start:stop]
        done += 1
    return done


async def write_until(
    store: ByteStore, is_over: asyncio.Event
) -> dict[str, tuple[StoredObject, bytes]]:
    """Write objects; what was written. Any error fails."""
    written: dict[str, tuple[StoredObject, bytes]] = {}
    while not is_over.is_set():
        data = random.Random(len(written)).randbytes(5 * MIB)
        name = f"w{len(written)}"
        written[name] = ((await put(store, data, name)).stored, data)
    return written

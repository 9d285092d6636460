"""The store in a bucket: what is asked ahead, what is told of trouble, what a lost server costs."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Self

import obstore
import pytest
from obstore.exceptions import GenericError
from obstore.store import MemoryStore as ObstoreMemory

from cdnkit.errors import NotFoundError, UnavailableError
from origin.store.base import ByteStore, StoredObject
from origin.store.extents import extent_name
from origin.store.objects import BREAKS_MAX, ObjectByteStore, open_object_store
from origin.store.sums import PIECE_BYTES
from scripts.demo_topology import free_ports
from tests.helpers.processes import wait_until
from tests.helpers.seaweedfs import SeaweedFS, seaweedfs_cluster
from tests.origin.store.stores import get, put

MIB = 1024 * 1024


class BreakingStream:
    """An answer that breaks off after its first piece."""

    def __init__(self, stream: Any) -> None:
        self._stream = aiter(stream)
        self._is_first = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        if not self._is_first:
            raise GenericError("error decoding response body")
        self._is_first = False
        return await anext(self._stream)


class BreakingAnswer:
    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def stream(self, min_chunk_size: int) -> BreakingStream:
        return BreakingStream(self._answer.stream(min_chunk_size=min_chunk_size))


async def test_answer_that_breaks_off_is_taken_up_where_it_ended(
    monkeypatch: pytest.MonkeyPatch, seaweedfs: SeaweedFS
) -> None:
    store = await open_object_store(seaweedfs.settings("breaks"), 8 * MIB)
    store._ranges = None  # as under TLS
    data = random.Random(6).randbytes(7 * PIECE_BYTES + 5)
    stored = (await put(store, data)).stored
    asked: list[tuple[int, int]] = []
    real = obstore.get_async

    async def get_broken(bucket: Any, name: str, *, options: Any) -> BreakingAnswer:
        asked.append(options["range"])
        return BreakingAnswer(await real(bucket, name, options=options))

    monkeypatch.setattr(obstore, "get_async", get_broken)
    assert await get(store, stored, 3, len(data)) == data[3:]
    assert len(asked) > 1
    assert asked[0] == (3, len(data))
    assert [start for start, _ in asked] == sorted({start for start, _ in asked})


async def test_library_is_asked_for_what_the_quick_way_does_not_bring(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[int, int]] = []
    real = obstore.get_async

    async def noted(bucket: Any, name: str, *, options: Any) -> Any:
        asked.append(options["range"])
        return await real(bucket, name, options=options)

    class Quick:
        """It brings some bytes, then what it should not."""

        async def read(self, name: str, start: int, stop: int) -> AsyncIterator[memoryview]:
            yield memoryview(data)[start : start + 700]
            raise ConnectionResetError

        def close(self) -> None:
            pass

    store = ObjectByteStore(ObstoreMemory(), 64 * MIB, Quick())  # type: ignore[arg-type]
    data = random.Random(6).randbytes(3 * PIECE_BYTES)
    stored = (await put(store, data)).stored
    monkeypatch.setattr(obstore, "get_async", noted)
    assert await get(store, stored, 3, len(data)) == data[3:]
    assert asked == [(703, len(data))]
    await store.close()


async def test_a_reader_that_leaves_ends_what_it_asked_for() -> None:
    ended: list[bool] = []

    class Quick:
        async def read(self, name: str, start: int, stop: int) -> AsyncIterator[memoryview]:
            try:
                for at in range(start, stop, 1000):
                    yield memoryview(data)[at : at + 1000]
            finally:
                ended.append(True)

    store = ObjectByteStore(ObstoreMemory(), 64 * MIB, Quick())  # type: ignore[arg-type]
    data = random.Random(8).randbytes(PIECE_BYTES)
    stored = (await put(store, data)).stored
    async with aclosing(store.read(stored, 0, len(data))) as pieces:  # type: ignore[type-var]
        assert await anext(pieces) == data[:1000]
        assert not ended
    assert ended


async def test_most_reads_need_no_library(
    monkeypatch: pytest.MonkeyPatch, seaweedfs: SeaweedFS
) -> None:
    store = await open_object_store(seaweedfs.settings("quick"), 8 * MIB)
    data = random.Random(7).randbytes(17 * MIB + 5)
    stored = (await put(store, data)).stored
    for name in ("get_async", "get_range_async"):
        monkeypatch.delattr(obstore, name)
    for start, stop in ((0, len(data)), (8 * MIB - 1, 8 * MIB + 1), (5, 6), (MIB, 5 * MIB)):
        assert await get(store, stored, start, stop) == data[start:stop]
    await store.close()


async def test_answers_that_break_off_without_a_byte_are_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = ObjectByteStore(ObstoreMemory(), 64 * MIB)
    stored = (await put(store, bytes(3 * PIECE_BYTES))).stored
    asked = 0

    async def get_nothing(bucket: Any, name: str, *, options: Any) -> Any:
        nonlocal asked
        asked += 1
        raise GenericError("error sending request")

    monkeypatch.setattr(obstore, "get_async", get_nothing)
    with pytest.raises(UnavailableError):
        await get(store, stored, 0, 3 * PIECE_BYTES)
    assert asked == BREAKS_MAX + 1


async def test_reader_that_leaves_takes_its_requests_along() -> None:
    store = ObjectByteStore(ObstoreMemory(), 64 * MIB)
    stored = (await put(store, bytes(8 * PIECE_BYTES))).stored
    reading = store.read(stored, 0, 8 * PIECE_BYTES)
    await anext(reading)
    await reading.aclose()  # type: ignore[attr-defined]
    await asyncio.sleep(0.01)
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

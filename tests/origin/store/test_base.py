"""The contract of a byte store, held by every body it has."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import google_crc32c
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obstore.store import MemoryStore as ObstoreMemory

from cdnkit.errors import BadRequestError, ConflictError, NotFoundError, StorageFullError
from origin.store.base import ByteStore, StoredObject
from origin.store.memory import MemoryStore
from origin.store.objects import ObjectByteStore, open_object_store
from tests.helpers.seaweedfs import SeaweedFS
from tests.origin.store.stores import EXTENT_BYTES, disk_store, files_of, get, put

LOCAL_BODIES = ["memory", "objects-in-memory", "disk", "disk-4-volumes-2-copies"]
BODIES = [*LOCAL_BODIES, "seaweedfs"]
NUMBERS = count()


@pytest.fixture(params=BODIES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ByteStore]:
    if request.param == "memory":
        yield MemoryStore(EXTENT_BYTES)
        return
    if request.param == "objects-in-memory":
        yield ObjectByteStore(ObstoreMemory(), EXTENT_BYTES)
        return
    if request.param == "seaweedfs":
        cluster: SeaweedFS = request.getfixturevalue("seaweedfs")
        distant = await open_object_store(cluster.settings(f"t{next(NUMBERS)}"), EXTENT_BYTES)
        yield distant
        await distant.close()
        return
    count, copies = (1, 1) if request.param == "disk" else (4, 2)
    async with disk_store(tmp_path, count, copies) as opened:
        yield opened


@pytest.fixture(params=["memory", "disk"])
async def small_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ByteStore]:
    """Room for 5000 bytes, footers included."""
    if request.param == "memory":
        yield MemoryStore(EXTENT_BYTES, size_bytes=5000)
        return
    async with disk_store(tmp_path, 1, size_bytes=5000) as opened:
        yield opened


def film(size_bytes: int) -> bytes:
    """Bytes that are nowhere the same."""
    return b"".join(n.to_bytes(4, "big") for n in range(-(-size_bytes // 4)))[:size_bytes]


@pytest.mark.parametrize("size_bytes", [0, 1, 999, 1000, 1001, 2000, 7321])
async def test_what_is_written_is_read(store: ByteStore, size_bytes: int) -> None:
    data = film(size_bytes)
    receipt = await put(store, data)
    assert receipt.stored == StoredObject("a", 1, size_bytes, EXTENT_BYTES)
    assert receipt.sha256 == hashlib.sha256(data).digest()
    extents = [data[at : at + EXTENT_BYTES] for at in range(0, size_bytes, EXTENT_BYTES)] or [b""]
    assert receipt.extent_crc32c == tuple(google_crc32c.value(extent) for extent in extents)
    assert await get(store, receipt.stored, 0, size_bytes) == data


@pytest.mark.parametrize("piece_bytes", [1, 7, 999, 1000, 1001, 5000])
async def test_the_size_of_written_pieces_does_not_matter(
    store: ByteStore, piece_bytes: int
) -> None:
    data = film(5000)
    writer = await store.create("a", 1)
    for at in range(0, len(data), piece_bytes):
        reused = bytearray(data[at : at + piece_bytes])
        await writer.write(memoryview(reused))
        reused[:] = bytes(len(reused))
    receipt = await writer.commit()
    assert receipt.sha256 == hashlib.sha256(data).digest()
    assert await get(store, receipt.stored, 0, 5000) == data


@given(data=st.data())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.parametrize("body", LOCAL_BODIES)
def test_any_interval_of_any_object_is_its_slice(body: str, data: st.DataObject) -> None:
    size_bytes = data.draw(st.integers(1, 400))
    extent_bytes = data.draw(st.integers(1, 200))
    intervals = data.draw(
        st.lists(st.tuples(st.integers(0, size_bytes), st.integers(0, size_bytes)), max_size=8)
    )
    content = film(size_bytes)

    async def check(opened: ByteStore) -> None:
        stored = (await put(opened, content)).stored
        for pair in intervals:
            start, stop = sorted(pair)
            assert await get(opened, stored, start, stop) == content[start:stop]

    async def run() -> None:
        if body == "memory":
            await check(MemoryStore(extent_bytes))
            return
        if body == "objects-in-memory":
            await check(ObjectByteStore(ObstoreMemory(), extent_bytes))
            return
        count, copies = (1, 1) if body == "disk" else (4, 2)
        with tempfile.TemporaryDirectory() as root:
            async with disk_store(
                Path(root), count, copies, extent_bytes=max(20, extent_bytes)
            ) as opened:
                await check(opened)

    asyncio.run(run())


async def test_reading_outside_the_object_is_refused(store: ByteStore) -> None:
    stored = (await put(store, film(1500))).stored
    for start, stop in [(0, 1501), (-1, 5), (6, 5)]:
        with pytest.raises(BadRequestError):
            await get(store, stored, start, stop)


async def test_an_aborted_object_leaves_nothing(store: ByteStore, tmp_path: Path) -> None:
    writer = await store.create("a", 1)
    await writer.write(film(3500))
    await writer.abort()
    await writer.abort()
    assert files_of(tmp_path) == []
    with pytest.raises(NotFoundError):
        await get(store, StoredObject("a", 1, 3500, EXTENT_BYTES), 0, 1)
    with pytest.raises(ConflictError):
        await writer.write(b"more")
    with pytest.raises(ConflictError):
        await writer.commit()
    assert await get(store, (await put(store, b"again")).stored, 0, 5) == b"again"


async def test_a_generation_is_created_once(store: ByteStore) -> None:
    writer = await store.create("a", 1)
    with pytest.raises(ConflictError):
        await store.create("a", 1)
    await writer.write(b"first")
    stored = (await writer.commit()).stored
    with pytest.raises(ConflictError):
        await store.create("a", 1)
    assert await get(store, stored, 0, 5) == b"first"


async def test_generations_do_not_mix(store: ByteStore) -> None:
    old = (await put(store, b"old", generation=1)).stored
    new = (await put(store, b"new", generation=2)).stored
    await store.delete(old)
    await store.delete(old)
    assert await get(store, new, 0, 3) == b"new"
    with pytest.raises(NotFoundError):
        await get(store, old, 0, 3)


async def test_deleting_does_not_hurt_who_reads(store: ByteStore) -> None:
    data = film(5500)
    stored = (await put(store, data)).stored
    reading = store.read(stored, 0, 5500)
    got = [await anext(reading)]
    await store.delete(stored)
    got += [piece async for piece in reading]
    assert b"".join(got) == data


async def test_objects_written_at_once_do_not_mix(store: ByteStore) -> None:
    contents = {f"film-{n}": bytes([n]) * (2500 + n) for n in range(8)}

    async def write(object_id: str, data: bytes) -> StoredObject:
        writer = await store.create(object_id, 1)
        for at in range(0, len(data), 300):
            await writer.write(data[at : at + 300])
            await asyncio.sleep(0)
        return (await writer.commit()).stored

    written = await asyncio.gather(*(write(*item) for item in contents.items()))
    for stored in written:
        data = contents[stored.object_id]
        assert await get(store, stored, 0, len(data)) == data


async def test_a_full_store_refuses_and_forgets(small_store: ByteStore, tmp_path: Path) -> None:
    kept = (await put(small_store, film(2500))).stored
    writer = await small_store.create("b", 1)

    async def write_too_much() -> None:
        for _ in range(4):
            await writer.write(bytes(1000))
        await writer.commit()

    with pytest.raises(StorageFullError):
        await write_too_much()
    await writer.abort()
    assert await get(small_store, kept, 0, 2500) == film(2500)
    assert not [path for path in files_of(tmp_path) if path.parent.name == ".partial"]
    assert (await put(small_store, film(1500), "c")).stored.size_bytes == 1500


async def test_an_object_known_to_be_too_large_is_refused_at_once(small_store: ByteStore) -> None:
    with pytest.raises(StorageFullError):
        await small_store.create("a", 1, 5001)
    assert (await put(small_store, b"small")).stored.size_bytes == 5

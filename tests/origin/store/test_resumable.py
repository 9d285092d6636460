"""The contract of parts, held by every store that takes them."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import google_crc32c
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obstore.store import MemoryStore as ObstoreMemory
from obstore.store import ObjectStore as Bucket

from cdnkit.errors import NotFoundError
from origin.store.base import ByteStore, StoredObject
from origin.store.memory import MemoryStore
from origin.store.object_parts import YOUNG, ObjectParts
from origin.store.objects import ObjectByteStore, open_bucket
from origin.store.resumable import PartState, PartStore, ResumableStore, parts_of
from tests.origin.store.stores import EXTENT_BYTES, disk_store, files_of, get

IDENTITY = ("a", 1)
FRESH = PartState(EXTENT_BYTES, 0, 0)
Reopen = Callable[[], AbstractAsyncContextManager[ResumableStore]]


def film(size_bytes: int) -> bytes:
    """Bytes that are nowhere the same."""
    return b"".join(n.to_bytes(4, "big") for n in range(-(-size_bytes // 4)))[:size_bytes]


def crc32c_of(data: bytes) -> tuple[int, ...]:
    extents = [data[at : at + EXTENT_BYTES] for at in range(0, len(data), EXTENT_BYTES)] or [b""]
    return tuple(google_crc32c.value(extent) for extent in extents)


@pytest.fixture(params=["memory", "disk", "disk-4-volumes-2-copies", "bucket", "seaweedfs"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    """Open the same store again, as after a restart."""
    memory = MemoryStore(EXTENT_BYTES)
    bucket: Bucket = ObstoreMemory()
    if request.param == "seaweedfs":
        cluster = request.getfixturevalue("seaweedfs")
        bucket = open_bucket(cluster.settings(f"parts-{secrets.token_hex(4)}"))

    @asynccontextmanager
    async def opened() -> AsyncIterator[ResumableStore]:
        if request.param == "memory":
            yield memory
            return
        if request.param in ("bucket", "seaweedfs"):
            yield bucket_store(bucket)
            return
        count, copies = (1, 1) if request.param == "disk" else (4, 2)
        async with disk_store(tmp_path, count, copies) as store:
            yield store

    return opened


def bucket_store(bucket: Bucket, extent_bytes: int = EXTENT_BYTES) -> ObjectByteStore:
    """A store whose uploads all count as begun long ago."""
    store = ObjectByteStore(bucket, extent_bytes)
    store.parts = ObjectParts(bucket, lambda: datetime.now(UTC) + 2 * YOUNG)
    return store


async def take(parts: PartStore, state: PartState, data: bytes) -> PartState:
    """Put bytes, make them durable, let go."""
    writer = await parts.open_part(IDENTITY, state)
    await writer.put(data)
    state = await writer.sync()
    await writer.close()
    return state


async def finish(parts: PartStore, state: PartState) -> PartState:
    writer = await parts.open_part(IDENTITY, state)
    state = await writer.finish()
    await writer.close()
    return state


def kept_files(root: Path) -> list[Path]:
    return sorted(root.glob("*/.kept/*"))


async def assembled(store: ResumableStore, size_bytes: int) -> bytes:
    stored = StoredObject(*IDENTITY, size_bytes, EXTENT_BYTES)
    await store.parts.assemble(stored)
    await store.parts.assemble(stored)
    await store.parts.discard(IDENTITY)
    return await get(store, stored, 0, size_bytes)


@pytest.mark.parametrize("size_bytes", [0, 1, 999, 1000, 1001, 3000, 5321])
async def test_a_part_goes_on_after_every_restart(reopen: Reopen, size_bytes: int) -> None:
    data, state = film(size_bytes), FRESH
    for at in range(0, size_bytes, 700):
        async with reopen() as store:
            state = await take(store.parts, state, data[at : at + 700])
            assert state.offset == min(size_bytes, at + 700)
            assert state.crc32c == crc32c_of(data[: state.offset])
    async with reopen() as store:
        state = await finish(store.parts, state)
        assert state.crc32c == crc32c_of(data)
    async with reopen() as store:
        pieces = store.parts.read(IDENTITY, EXTENT_BYTES, 0, size_bytes)
        assert b"".join([piece async for piece in pieces]) == data
        assert await assembled(store, size_bytes) == data
    async with reopen() as store:
        assert (
            await get(store, StoredObject(*IDENTITY, size_bytes, EXTENT_BYTES), 0, size_bytes)
            == data
        )


async def test_what_was_not_synced_is_dropped(reopen: Reopen) -> None:
    async with reopen() as store:
        state = await take(store.parts, FRESH, film(1500))
        writer = await store.parts.open_part(IDENTITY, state)
        await writer.put(b"x" * 2700)
        await writer.close()
    async with reopen() as store:
        state = await take(store.parts, state, film(2500)[1500:])
        await finish(store.parts, state)
        assert await assembled(store, 2500) == film(2500)


async def test_a_part_goes_back_behind_closed_extents(reopen: Reopen) -> None:
    async with reopen() as store:
        earlier = await take(store.parts, FRESH, film(1200))
        await take(store.parts, earlier, b"bad" * 1500)
        state = await take(store.parts, earlier, film(4100)[1200:])
        await finish(store.parts, state)
        assert await assembled(store, 4100) == film(4100)


async def test_parts_come_in_side_by_side(reopen: Reopen) -> None:
    data = film(7321)
    starts = [0, 2000, 4000, 6000]
    async with reopen() as store:

        async def bring(start: int) -> PartState:
            stop = min(start + 2000, len(data))
            state = PartState(EXTENT_BYTES, start, start)
            for at in range(start, stop, 300):
                state = await take(store.parts, state, data[at : min(stop, at + 300)])
            return await finish(store.parts, state)

        states = await asyncio.gather(*map(bring, starts))
        assert sum((state.crc32c for state in states), ()) == crc32c_of(data)
        assert await assembled(store, len(data)) == data


async def test_a_missing_extent_is_told(reopen: Reopen) -> None:
    async with reopen() as store:
        await finish(store.parts, await take(store.parts, FRESH, film(1000)))
        with pytest.raises(NotFoundError):
            await store.parts.assemble(StoredObject(*IDENTITY, 2500, EXTENT_BYTES))


async def test_lost_bytes_are_told(reopen: Reopen) -> None:
    state = PartState(EXTENT_BYTES, 0, 500, (17,))
    async with reopen() as store:
        with pytest.raises(NotFoundError):
            await store.parts.open_part(IDENTITY, state)
        await take(store.parts, FRESH, film(500))
        with pytest.raises(NotFoundError):
            await store.parts.open_part(IDENTITY, state)


async def test_discarding_and_keeping_leave_nothing_else(reopen: Reopen, tmp_path: Path) -> None:
    async with reopen() as store:
        await take(store.parts, FRESH, film(2500))
        await store.parts.discard(IDENTITY, range(1, 3))
        with pytest.raises(NotFoundError):
            await store.parts.open_part(IDENTITY, PartState(EXTENT_BYTES, 0, 2500, (1, 2, 3)))
        assert await store.parts.keep_only({IDENTITY}) == 0
        assert await store.parts.keep_only({("b", 1)}) > 0
        assert await store.parts.keep_only(()) == 0
    assert files_of(tmp_path) == []
    assert kept_files(tmp_path) == []


def test_a_store_without_parts_says_so() -> None:
    class Plain:
        pass

    plain: ByteStore = Plain()  # type: ignore[assignment]
    assert parts_of(plain) is None
    assert parts_of(MemoryStore()) is not None


@given(
    extent_bytes=st.integers(20, 200),
    steps=st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=8),
)
@settings(max_examples=25, deadline=None)
def test_any_cuts_give_the_same_object(extent_bytes: int, steps: list[tuple[int, bool]]) -> None:
    size_bytes = sum(size for size, is_kept in steps if is_kept)
    data = film(size_bytes)

    async def bring(store: ResumableStore) -> None:
        state = PartState(extent_bytes, 0, 0)
        for size, is_kept in steps:
            writer = await store.parts.open_part(IDENTITY, state)
            await writer.put(data[state.offset : state.offset + size] if is_kept else bytes(size))
            synced = await writer.sync()
            await writer.close()
            state = synced if is_kept else state
        await finish(store.parts, state)
        stored = StoredObject(*IDENTITY, size_bytes, extent_bytes)
        await store.parts.assemble(stored)
        assert await get(store, stored, 0, size_bytes) == data

    async def run() -> None:
        await bring(MemoryStore(extent_bytes))
        await bring(bucket_store(ObstoreMemory(), extent_bytes))
        with tempfile.TemporaryDirectory() as root:
            async with disk_store(Path(root), 3, 2, extent_bytes=extent_bytes) as store:
                await bring(store)

    asyncio.run(run())

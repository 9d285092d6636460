"""Old bytes go when their time has come, not before, and not while somebody reads them."""

from __future__ import annotations

import pytest

from cdnkit.errors import NotFoundError
from origin.catalog.catalog import GRACE_SECONDS, UNPUBLISHED_SECONDS
from origin.store.base import StoredObject
from origin.sweeper import Holds, Sweeper
from tests.origin.conftest import EXTENT_BYTES, RunningOrigin, StartOrigin

KEY = "films/a.mp4"


async def replace(origin: RunningOrigin) -> StoredObject:
    """Upload twice; where the first bytes are."""
    async with origin.client.put(f"/v1/content/{KEY}", data=b"old") as answer:
        assert answer.status == 201
    row = origin.parts.catalog.objects.get(KEY)
    assert row is not None
    async with origin.client.put(f"/v1/content/{KEY}", data=b"new") as answer:
        assert answer.status == 200
    return row.stored


async def read(origin: RunningOrigin, stored: StoredObject) -> bytes:
    pieces = origin.parts.store.read(stored, 0, stored.size_bytes)
    return b"".join([bytes(piece) async for piece in pieces])


async def test_replaced_bytes_stay_for_the_grace_period_and_over_a_restart(
    start_origin: StartOrigin,
) -> None:
    async with start_origin() as origin:
        old = await replace(origin)
        assert await origin.parts.sweeper.sweep() == 0
        assert await read(origin, old) == b"old"
    async with start_origin() as origin:
        assert await read(origin, old) == b"old"
        origin.clock.advance(GRACE_SECONDS + 1)
        assert await origin.parts.sweeper.sweep() == 1
        with pytest.raises(NotFoundError):
            await read(origin, old)
        assert await origin.bytes_of(KEY) == b"new"
        assert await origin.parts.sweeper.sweep() == 0


async def test_bytes_being_read_are_not_swept(origin: RunningOrigin) -> None:
    old = await replace(origin)
    origin.clock.advance(GRACE_SECONDS + 1)
    holds = Holds()
    sweeper = Sweeper(origin.parts.catalog, origin.parts.store, holds, origin.clock, print)
    with holds.hold(old):
        with holds.hold(old):
            assert await sweeper.sweep() == 0
        assert await sweeper.sweep() == 0
    assert not holds.is_held(old)
    assert await sweeper.sweep() == 1


async def test_bytes_that_a_crash_kept_from_being_published_are_swept(
    origin: RunningOrigin,
) -> None:
    catalog, store = origin.parts.catalog, origin.parts.store
    generation = await catalog.reserve(KEY)
    writer = await store.create(KEY, generation)
    await writer.write(b"orphan")
    stored = StoredObject(KEY, generation, 6, EXTENT_BYTES)
    await catalog.note_unpublished(stored)
    assert (await writer.commit()).stored == stored
    assert await origin.parts.sweeper.sweep() == 0
    origin.clock.advance(UNPUBLISHED_SECONDS + 1)
    assert await origin.parts.sweeper.sweep() == 1
    with pytest.raises(NotFoundError):
        await read(origin, stored)


async def test_deleted_object_becomes_garbage(origin: RunningOrigin) -> None:
    old = await replace(origin)
    async with origin.client.delete(f"/v1/content/{KEY}") as answer:
        assert answer.status == 204
    waiting = [garbage.stored for garbage in await origin.parts.catalog.list_garbage()]
    assert len(waiting) == 2
    assert old in waiting

"""Parts in a bucket: where they wait, what is verified, and whom a starting process spares."""

from __future__ import annotations

from datetime import UTC, datetime

import obstore
import pytest
from obstore.exceptions import GenericError
from obstore.store import MemoryStore as Bucket

from cdnkit.errors import NotFoundError, UnavailableError
from origin.store.base import StoredObject
from origin.store.object_parts import YOUNG, ObjectParts
from origin.store.objects import ObjectByteStore
from origin.store.resumable import PartState
from tests.origin.store.stores import get

IDENTITY = ("film", 3)
FRESH = PartState(1000, 0, 0)


def names(bucket: Bucket) -> list[str]:
    return sorted(each["path"] for batch in obstore.list(bucket) for each in batch)


def parts_of(bucket: Bucket, *, later: bool = True) -> ObjectParts:
    return ObjectParts(bucket, lambda: datetime.now(UTC) + (2 * YOUNG if later else 0 * YOUNG))


async def bring(parts: ObjectParts, data: bytes) -> PartState:
    writer = await parts.open_part(IDENTITY, FRESH)
    await writer.put(data)
    state = await writer.sync()
    await writer.close()
    return state


async def test_full_extents_lie_where_they_are_read_and_the_rest_waits_aside() -> None:
    bucket = Bucket()
    await bring(parts_of(bucket), bytes(2500))
    found = names(bucket)
    assert [name.rpartition("-")[2] for name in found if ".kept" not in name] == ["0", "1"]
    assert [name.rpartition("/")[2] for name in found if ".kept" in name] == ["2-500", "begun"]


async def test_when_it_has_ended_only_the_object_is_left() -> None:
    bucket = Bucket()
    parts = parts_of(bucket)
    writer = await parts.open_part(IDENTITY, await bring(parts, b"x" * 2500))
    await writer.finish()
    await writer.close()
    stored = StoredObject(*IDENTITY, 2500, 1000)
    await parts.assemble(stored)
    await parts.discard(IDENTITY)
    assert await get(ObjectByteStore(bucket), stored, 0, 2500) == b"x" * 2500
    assert not [name for name in names(bucket) if ".kept" in name]
    await ObjectByteStore(bucket).delete(stored)
    assert names(bucket) == []


async def test_an_upload_given_up_leaves_nothing() -> None:
    bucket = Bucket()
    parts = parts_of(bucket)
    await bring(parts, bytes(2500))
    await parts.discard(IDENTITY)
    assert names(bucket) == []


async def test_a_starting_process_spares_what_another_has_just_begun() -> None:
    bucket = Bucket()
    await bring(parts_of(bucket), bytes(2500))
    assert await parts_of(bucket, later=False).keep_only(()) == 0
    assert await parts_of(bucket).keep_only(()) == 3
    assert names(bucket) == []


async def test_bytes_that_changed_in_the_bucket_are_not_gone_on_with() -> None:
    bucket = Bucket()
    parts = parts_of(bucket)
    state = await bring(parts, bytes(2500))
    for name in names(bucket):
        found = obstore.get(bucket, name)
        data = bytes(found.bytes())
        if data:
            obstore.put(bucket, name, b"y" + data[1:], attributes=found.attributes)
    with pytest.raises(NotFoundError):
        await parts.open_part(IDENTITY, state)
    with pytest.raises(NotFoundError):
        [piece async for piece in parts.read(IDENTITY, 1000, 0, 10)]


async def test_an_extent_of_the_wrong_length_is_not_assembled() -> None:
    parts = parts_of(Bucket())
    writer = await parts.open_part(IDENTITY, FRESH)
    await writer.put(bytes(500))
    await writer.finish()
    with pytest.raises(NotFoundError):
        await parts.assemble(StoredObject(*IDENTITY, 501, 1000))


async def test_a_service_that_fails_costs_nothing_that_was_durable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = parts_of(Bucket())
    state = await bring(parts, bytes(2500))
    writer = await parts.open_part(IDENTITY, state)

    async def fail(*args: object, **options: object) -> None:
        raise GenericError("error sending request")

    with monkeypatch.context() as patch:
        patch.setattr(obstore, "put_async", fail)
        with pytest.raises(UnavailableError):
            await writer.put(bytes(5000))
        await writer.close()
    writer = await parts.open_part(IDENTITY, state)
    await writer.put(bytes(500))
    assert (await writer.sync()).offset == 3000
    await writer.close()

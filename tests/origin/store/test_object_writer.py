"""Writing into a bucket: parts of fixed size, a manifest at the end, nothing left of a failure."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import google_crc32c
import obstore
import pytest
from obstore.exceptions import GenericError
from obstore.store import MemoryStore as ObstoreMemory

from cdnkit.errors import ConflictError, UnavailableError
from origin.store.base import StoredObject
from origin.store.gathering import GatheringWriter
from origin.store.object_manifest import Manifest, format_manifest, manifest_name, parse_manifest
from origin.store.object_writer import open_object_writer
from origin.store.sums import PIECE_BYTES

EXTENT_BYTES = 3 * PIECE_BYTES


def writer_over(bucket: ObstoreMemory, ended: list[str]) -> GatheringWriter:
    return open_object_writer(
        bucket, ("a", 1), extent_bytes=EXTENT_BYTES, on_end=lambda: ended.append("end")
    )


def names_in(bucket: ObstoreMemory) -> list[str]:
    return sorted(each["path"] for batch in obstore.list(bucket) for each in batch)


async def test_manifest_vouches_for_the_extents() -> None:
    bucket, ended = ObstoreMemory(), list[str]()
    writer = writer_over(bucket, ended)
    data = bytes(range(256)) * (4 * PIECE_BYTES // 256)
    for at in range(0, len(data), 700_000):
        await writer.write(data[at : at + 700_000])
    assert manifest_name("a", 1) not in names_in(bucket)
    receipt = await writer.commit()
    assert ended == ["end"]
    found = bytes(obstore.get(bucket, manifest_name("a", 1)).bytes())
    assert parse_manifest(found) == Manifest(
        receipt.stored, hashlib.sha256(data).hexdigest(), receipt.extent_crc32c
    )
    assert receipt.extent_crc32c[1] == google_crc32c.value(data[EXTENT_BYTES:])


async def test_abort_takes_back_what_is_stored_and_under_way() -> None:
    bucket, ended = ObstoreMemory(), list[str]()
    writer = writer_over(bucket, ended)
    await writer.write(bytes(EXTENT_BYTES + PIECE_BYTES))
    assert names_in(bucket) != []
    await writer.abort()
    assert names_in(bucket) == []
    assert ended == ["end"]


async def test_service_that_fails_in_the_middle_fails_the_write_and_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bucket, ended = ObstoreMemory(), list[str]()
    real = obstore.put_async

    async def put(store: Any, path: str, pieces: AsyncIterator[bytes], **options: Any) -> Any:
        if path.endswith("-1"):
            await anext(pieces)
            raise GenericError("error sending request")
        return await real(store, path, pieces, **options)

    monkeypatch.setattr(obstore, "put_async", put)
    writer = writer_over(bucket, ended)

    async def write_all() -> None:
        async with asyncio.timeout(10):
            for _ in range(20):
                await writer.write(bytes(PIECE_BYTES))

    with pytest.raises(UnavailableError):
        await write_all()
    assert names_in(bucket) == []
    assert ended == ["end"]


async def test_manifest_made_by_a_repeated_request_is_our_own() -> None:
    """The first attempt came through, its answer did not: the second is told that it exists."""
    bucket, ended = ObstoreMemory(), list[str]()
    writer = writer_over(bucket, ended)
    await writer.write(b"bytes")
    stored = StoredObject("a", 1, 5, EXTENT_BYTES)
    ours = Manifest(stored, hashlib.sha256(b"bytes").hexdigest(), (google_crc32c.value(b"bytes"),))
    obstore.put(bucket, manifest_name("a", 1), format_manifest(ours))
    assert (await writer.commit()).stored == stored


async def test_manifest_of_somebody_else_is_a_conflict() -> None:
    bucket, ended = ObstoreMemory(), list[str]()
    writer = writer_over(bucket, ended)
    await writer.write(b"bytes")
    obstore.put(bucket, manifest_name("a", 1), b"{}")
    with pytest.raises(ConflictError):
        await writer.commit()
    assert ended == ["end"]

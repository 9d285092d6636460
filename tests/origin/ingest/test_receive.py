"""Moving an upload into store and catalog: whole or without a trace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cdnkit.errors import CinedgeError, IncompleteBodyError, StorageFullError, UnavailableError
from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url
from origin.ingest.checks import UploadHead
from origin.ingest.receive import Body, Receiver
from origin.store.crc32c import Piece
from origin.store.memory import MemoryStore
from tests.helpers.clock import FakeClock


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Catalog]:
    catalog = await open_catalog(parse_database_url("", tmp_path), FakeClock())
    yield catalog
    await catalog.close()


def body(*pieces: bytes | CinedgeError) -> Body:
    """A body that yields pieces and then ends, or fails where an error stands."""
    left = list(pieces)

    async def read() -> bytes:
        piece = left.pop(0) if left else b""
        if isinstance(piece, CinedgeError):
            raise piece
        return piece

    return read


def head(length_bytes: int | None = None) -> UploadHead:
    return UploadHead("PUT", {}, length_bytes, 1 << 20)


async def test_received_object_is_published(catalog: Catalog) -> None:
    store = MemoryStore()
    receiver = Receiver(store, catalog, store.extent_bytes)
    row, is_new = await receiver.receive("a", head(6), body(b"abc", b"def"))
    assert is_new
    assert row.size_bytes == 6
    assert store.objects == {("a", 1): b"abcdef"}
    assert await catalog.list_garbage() == []


@pytest.mark.parametrize(
    ("length_bytes", "pieces"),
    [
        (7, (b"abc", b"def")),
        (6, (b"abc", IncompleteBodyError("the connection ended before the body"))),
        (None, (b"abc", IncompleteBodyError("not one byte in 60 seconds"))),
    ],
)
async def test_incomplete_body_leaves_no_trace(
    catalog: Catalog, length_bytes: int | None, pieces: tuple[bytes | CinedgeError, ...]
) -> None:
    store = MemoryStore()
    receiver = Receiver(store, catalog, store.extent_bytes)
    with pytest.raises(IncompleteBodyError):
        await receiver.receive("a", head(length_bytes), body(*pieces))
    assert (store.objects, store.writing, store.used_bytes) == ({}, set(), 0)
    assert catalog.objects.get("a") is None


async def test_full_store_refuses_and_keeps_the_old_object(catalog: Catalog) -> None:
    store = MemoryStore(size_bytes=10)
    receiver = Receiver(store, catalog, store.extent_bytes)
    await receiver.receive("a", head(), body(b"old"))
    with pytest.raises(StorageFullError):
        await receiver.receive("a", head(), body(b"x" * 5, b"x" * 5))
    with pytest.raises(StorageFullError):
        await receiver.receive("a", head(20), body(b"never read"))
    row = catalog.objects.get("a")
    assert row is not None
    assert row.size_bytes == 3
    assert store.used_bytes == 3


async def test_client_that_leaves_after_its_last_byte_has_uploaded(catalog: Catalog) -> None:
    store = MemoryStore()
    receiver = Receiver(store, catalog, store.extent_bytes)
    ended = asyncio.Event()
    read = body(b"whole")

    async def watched() -> Piece:
        piece = await read()
        if not piece:
            ended.set()
        return piece

    task = asyncio.create_task(receiver.receive("a", head(5), watched))
    await ended.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await receiver.close()
    assert catalog.objects.get("a") is not None


async def test_bytes_are_kept_for_the_sweeper_when_the_outcome_is_unknown(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*arguments: object) -> None:
        raise UnavailableError("the database went away during the commit")

    monkeypatch.setattr(catalog, "publish", fail)
    store = MemoryStore()
    receiver = Receiver(store, catalog, store.extent_bytes)
    with pytest.raises(UnavailableError):
        await receiver.receive("a", head(), body(b"abc"))
    (garbage,) = await catalog.list_garbage()
    assert garbage.stored.object_id == "a"
    assert ("a", 1) in store.objects

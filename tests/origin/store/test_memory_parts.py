"""Parts in memory keep count of the room they take."""

from __future__ import annotations

import pytest

from cdnkit.errors import StorageFullError
from origin.store.base import StoredObject
from origin.store.memory import MemoryStore
from origin.store.resumable import PartState

IDENTITY = ("a", 1)


async def test_room_is_taken_once_and_given_back_once() -> None:
    store = MemoryStore(10, size_bytes=30)
    writer = await store.parts.open_part(IDENTITY, PartState(10, 0, 0))
    await writer.put(b"x" * 25)
    with pytest.raises(StorageFullError):
        await writer.put(b"y" * 6)
    state = await writer.finish()
    assert store.used_bytes == 25
    stored = StoredObject(*IDENTITY, state.offset, 10)
    await store.parts.assemble(stored)
    await store.parts.discard(IDENTITY)
    assert store.used_bytes == 25
    await store.delete(stored)
    assert store.used_bytes == 0


async def test_going_back_gives_room() -> None:
    store = MemoryStore(10, size_bytes=30)
    writer = await store.parts.open_part(IDENTITY, PartState(10, 0, 0))
    await writer.put(b"x" * 5)
    state = await writer.sync()
    await writer.put(b"y" * 3)
    await store.parts.open_part(IDENTITY, state)
    assert store.used_bytes == 5

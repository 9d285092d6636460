"""What the store in memory does beyond the contract, which `test_base` holds it to."""

from __future__ import annotations

from origin.store.memory import MemoryStore
from tests.origin.store.stores import put


async def test_memory_lies_in_no_file() -> None:
    store = MemoryStore()
    stored = (await put(store, b"abc")).stored
    assert store.slices(stored, 0, 3) is None
    assert await store.lease(stored, 0, 3) is None


async def test_bytes_are_counted_while_they_are_there() -> None:
    store = MemoryStore()
    stored = (await put(store, b"abc")).stored
    writer = await store.create("b", 1)
    await writer.write(b"defg")
    assert store.used_bytes == 7
    await writer.abort()
    await store.delete(stored)
    assert store.used_bytes == 0

"""The byte store in memory: the contract at its shortest, for tests of everything above a store."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import google_crc32c

from cdnkit.errors import ConflictError, NotFoundError, StorageFullError
from origin.store.base import (
    EXTENT_BYTES_DEFAULT,
    FileSlice,
    Lease,
    Receipt,
    StoredObject,
    Writer,
)
from origin.store.extents import locate
from origin.store.memory_parts import MemoryParts
from origin.store.sums import PIECE_BYTES

Key = tuple[str, int]


class MemoryWriter:
    """An object on its way into a `MemoryStore`."""

    def __init__(self, store: MemoryStore, key: Key) -> None:
        self._store = store
        self._key = key
        self._data = bytearray()

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append. Raises StorageFullError."""
        self._store.check_open(self._key)
        if self._store.used_bytes + len(data) > self._store.size_bytes:
            await self.abort()
            raise StorageFullError(f"no room beyond {self._store.size_bytes} bytes")
        self._store.used_bytes += len(data)
        self._data += data

    async def seal(self) -> None:
        """Nothing more to do: memory is never durable."""
        self._store.check_open(self._key)

    async def commit(self) -> Receipt:
        """Make the object readable."""
        self._store.check_open(self._key)
        data, extent_bytes = bytes(self._data), self._store.extent_bytes
        self._store.writing.discard(self._key)
        self._store.objects[self._key] = data
        stored = StoredObject(*self._key, len(data), extent_bytes)
        extents = range(0, len(data), extent_bytes) or (0,)
        crc32c = tuple(google_crc32c.value(data[at : at + extent_bytes]) for at in extents)
        return Receipt(stored, hashlib.sha256(data).digest(), crc32c)

    async def abort(self) -> None:
        """Forget the bytes; nothing to do after `commit`."""
        if self._key in self._store.writing:
            self._store.writing.discard(self._key)
            self._store.used_bytes -= len(self._data)


class MemoryStore:
    """A dictionary with the manners of a disk, a limit on its size included."""

    def __init__(self, extent_bytes: int = EXTENT_BYTES_DEFAULT, size_bytes: int = 1 << 62) -> None:
        self.extent_bytes = extent_bytes
        self.size_bytes = size_bytes
        self.used_bytes = 0
        self.objects: dict[Key, bytes] = {}
        self.writing: set[Key] = set()
        self.parts = MemoryParts(self)

    def check_open(self, key: Key) -> None:
        """Raise ConflictError unless `key` is being written."""
        if key not in self.writing:
            raise ConflictError(f"generation {key[1]} of {key[0]} is not being written")

    async def create(
        self, object_id: str, generation: int, size_bytes: int | None = None
    ) -> Writer:
        """Begin a new object. Raises ConflictError, StorageFullError."""
        key = (object_id, generation)
        if key in self.objects or key in self.writing:
            raise ConflictError(f"generation {generation} of {object_id} exists")
        if self.used_bytes + (size_bytes or 0) > self.size_bytes:
            raise StorageFullError(f"no room for {size_bytes} bytes")
        self.writing.add(key)
        return MemoryWriter(self, key)

    async def read(self, stored: StoredObject, start: int, stop: int) -> AsyncIterator[bytes]:
        """Yield `[start, stop)` in pieces of at most 1 MiB. Raises NotFoundError."""
        locate(stored, start, stop)
        data = self.objects.get((stored.object_id, stored.generation))
        if data is None:
            raise NotFoundError(f"no bytes of {stored.object_id}")
        for at in range(start, stop, PIECE_BYTES):
            yield data[at : min(stop, at + PIECE_BYTES)]

    def slices(self, stored: StoredObject, start: int, stop: int) -> list[FileSlice] | None:
        """None: memory is no file."""
        return None

    def lease_now(self, stored: StoredObject, start: int, stop: int) -> Lease | None:
        """None: memory is no file."""
        return None

    async def lease(self, stored: StoredObject, start: int, stop: int) -> Lease | None:
        """None: memory is no file."""
        return None

    async def delete(self, stored: StoredObject) -> None:
        """Remove the bytes; deleting what is gone is no error."""
        self.used_bytes -= len(self.objects.pop((stored.object_id, stored.generation), b""))

    async def close(self) -> None:
        """Nothing to release."""

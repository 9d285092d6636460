"""Takes files that the origin makes itself into store and catalog, as an upload would be.

A file is published when it is whole; one that is begun and abandoned leaves nothing.
"""

from __future__ import annotations

import asyncio

from cdnkit.errors import DigestMismatchError
from cdnkit.keys import parse_key
from origin.catalog.catalog import Catalog
from origin.packaging.renditions import CONTENT_TYPES, content_type_of
from origin.store.base import ByteStore, StoredObject, Writer


class Deposit:
    """Files under one prefix, one after the other."""

    def __init__(self, catalog: Catalog, store: ByteStore, extent_bytes: int, prefix: str) -> None:
        self._catalog = catalog
        self._store = store
        self._extent_bytes = extent_bytes
        self._prefix = prefix
        self._writer: Writer | None = None
        self._begun: tuple[StoredObject, str] | None = None
        self._written_bytes = 0

    async def create(self, name: str, size_bytes: int) -> None:
        """Begin a file. Raises BadKeyError, StorageFullError, UnavailableError."""
        await self.abandon()
        key = parse_key(self._prefix + name)
        if "/" in name or name.rpartition(".")[2] not in CONTENT_TYPES:
            raise DigestMismatchError(f"{name!r} is no file of a package")
        generation = await self._catalog.reserve(key)
        self._writer = await self._store.create(key, generation, size_bytes)
        stored = StoredObject(key, generation, size_bytes, self._extent_bytes)
        self._begun = stored, content_type_of(name)
        self._written_bytes = 0

    async def write(self, data: bytes) -> None:
        """More of it."""
        assert self._writer is not None
        assert self._begun is not None
        self._written_bytes += len(data)
        if self._written_bytes > self._begun[0].size_bytes:
            raise DigestMismatchError("a packaged file is longer than planned")
        await self._writer.write(data)

    async def end(self) -> None:
        """Make it durable and readable."""
        assert self._writer is not None
        assert self._begun is not None
        stored, content_type = self._begun
        if self._written_bytes != stored.size_bytes:
            raise DigestMismatchError("a packaged file is shorter than planned")
        await self._catalog.note_unpublished(stored)
        receipt = await self._writer.commit()
        self._writer = None
        await self._catalog.publish(receipt, content_type, lambda _: None)

    async def abandon(self) -> None:
        """Drop a file that was begun."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await asyncio.shield(writer.abort())

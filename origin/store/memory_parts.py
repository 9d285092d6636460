"""Parts of objects in memory: the contract of `origin.store.resumable` at its shortest.

A part outlives its writer, as on a disk, so that tests can show what a restart keeps.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Final, Protocol

import google_crc32c

from cdnkit.errors import NotFoundError, StorageFullError
from origin.store.base import StoredObject
from origin.store.crc32c import Piece
from origin.store.resumable import ANY_EXTENT_BYTES, SYNC_BYTES, Identity, PartState
from origin.store.sums import PIECE_BYTES


class Shelf(Protocol):
    """What parts need of the store they belong to."""

    objects: dict[Identity, bytes]
    used_bytes: int
    size_bytes: int


class MemoryPart:
    """A part on its way in."""

    def __init__(self, parts: MemoryParts, identity: Identity, state: PartState) -> None:
        self._parts = parts
        self._identity = identity
        self._start = state.start
        self._extent_bytes = state.extent_bytes
        self._offset = state.offset

    @property
    def offset(self) -> int:
        """Where the next byte goes."""
        return self._offset

    async def put(self, piece: Piece) -> None:
        """Append. Raises StorageFullError."""
        self._parts.take_room(len(piece))
        while piece:
            index, within = divmod(self._offset, self._extent_bytes)
            head = piece[: self._extent_bytes - within]
            if not within:
                self._parts.begin((*self._identity, index))
            self._parts.extents[*self._identity, index].extend(head)
            self._offset += len(head)
            piece = piece[len(head) :]

    async def sync(self) -> PartState:
        """Memory is as durable as it gets."""
        first, stop = self._start // self._extent_bytes, -(-self._offset // self._extent_bytes)
        crc32c = tuple(
            google_crc32c.value(bytes(self._parts.extents[*self._identity, index]))
            for index in range(first, stop)
        )
        return PartState(self._extent_bytes, self._start, self._offset, crc32c)

    async def finish(self) -> PartState:
        """An empty object has an empty extent."""
        if not self._offset:
            self._parts.extents[*self._identity, 0] = bytearray()
            return PartState(self._extent_bytes, 0, 0, (0,))
        return await self.sync()

    async def close(self) -> None:
        """Nothing to let go of."""


class MemoryParts:
    """Extents by identity and index."""

    extent_bytes_max: Final = ANY_EXTENT_BYTES
    sync_bytes: Final = SYNC_BYTES

    def __init__(self, shelf: Shelf) -> None:
        self.extents: dict[tuple[str, int, int], bytearray] = {}
        self._shelf = shelf

    def take_room(self, size_bytes: int) -> None:
        """Count bytes about to be written. Raises StorageFullError."""
        if self._shelf.used_bytes + size_bytes > self._shelf.size_bytes:
            raise StorageFullError(f"no room beyond {self._shelf.size_bytes} bytes")
        self._shelf.used_bytes += size_bytes

    def begin(self, key: tuple[str, int, int]) -> None:
        """An empty extent, whatever was there."""
        self._drop(key)
        self.extents[key] = bytearray()

    async def open_part(self, identity: Identity, state: PartState) -> MemoryPart:
        """Begin or go on. Raises NotFoundError when what was durable is lost."""
        index, within = divmod(state.offset, state.extent_bytes)
        held = self.extents.get((*identity, index), bytearray())
        is_lost = len(held) < within
        if within and not is_lost:
            is_lost = google_crc32c.value(bytes(held[:within])) != state.crc32c[-1]
        if is_lost:
            raise NotFoundError(f"the last bytes of a part of {identity[0]} are lost")
        self._shelf.used_bytes -= len(held) - within
        del held[within:]
        return MemoryPart(self, identity, state)

    async def read(
        self, identity: Identity, extent_bytes: int, start: int, stop: int
    ) -> AsyncIterator[bytes]:
        """Yield `[start, stop)`. Raises NotFoundError."""
        while start < stop:
            index, within = divmod(start, extent_bytes)
            held = self.extents.get((*identity, index), bytearray())
            size_bytes = min(stop - start, extent_bytes - within, PIECE_BYTES)
            piece = bytes(held[within : within + size_bytes])
            if len(piece) < size_bytes:
                raise NotFoundError(f"extent {index} of {identity[0]} is not there")
            start += size_bytes
            yield piece

    async def assemble(self, stored: StoredObject) -> None:
        """Make the parts an object. Raises NotFoundError."""
        identity = (stored.object_id, stored.generation)
        if identity in self._shelf.objects:
            return
        pieces = self.read(identity, stored.extent_bytes, 0, stored.size_bytes)
        self._shelf.objects[identity] = b"".join([piece async for piece in pieces])

    async def discard(self, identity: Identity, extents: range | None = None) -> None:
        """Forget extents."""
        for key in [key for key in self.extents if key[:2] == identity]:
            if extents is None or key[2] in extents:
                self._drop(key)

    async def keep_only(self, known: Collection[Identity]) -> int:
        """Forget what nobody knows."""
        strangers = [key for key in self.extents if key[:2] not in known]
        for key in strangers:
            self._drop(key)
        return len(strangers)

    def _drop(self, key: tuple[str, int, int]) -> None:
        dropped = self.extents.pop(key, b"")
        if key[:2] not in self._shelf.objects:  # else the bytes go on as those of an object
            self._shelf.used_bytes -= len(dropped)

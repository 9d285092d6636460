"""Objects on their way into a store: gathered into pieces, hashed, placed, committed or removed.

The life of every writer. Decides how much is in memory and in which order things happen; where an
extent goes and when it becomes visible is for a `Place`: `origin.store.disk_writer` and
`origin.store.object_writer` have one each.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from functools import partial
from typing import Protocol

from cdnkit.errors import ConflictError
from origin.store.base import Receipt, StoredObject
from origin.store.crc32c import Piece
from origin.store.gatherer import Gatherer
from origin.store.strand import WAITING_MAX, Strand


class Place(Protocol):
    """Where the extents of one object go. Every method but `remove` may raise."""

    @property
    def sums(self) -> tuple[int, ...]:
        """The CRC32C of each extent, once all are finished."""

    async def put(self, piece: Piece, *, begins_extent: bool) -> None:
        """Append to the last extent, or to the next one; may return with the work under way."""

    async def finish(self) -> None:
        """Make all extents durable. Nothing can be appended any more."""

    async def publish(self, receipt: Receipt) -> None:
        """Make the object readable."""

    async def remove(self) -> None:
        """Leave no trace, whatever is under way."""

    def telling(self) -> AbstractContextManager[None]:
        """Turns what the methods raise into errors of our family."""


class GatheringWriter:
    """One object on its way to its place. `on_end` is called once, when it is over.

    SHA-256 is made in one thread while another writes: in one thread they reach half the speed of
    the disk (docs/decisions/0003-origin-store.md).
    """

    def __init__(
        self,
        place: Place,
        pool: Executor | None,
        identity: tuple[str, int],
        extent_bytes: int,
        on_end: Callable[[], None],
        *,
        waiting_max: Callable[[], int] = lambda: WAITING_MAX,
    ) -> None:
        self._place = place
        self._identity = identity
        self._extent_bytes = extent_bytes
        self._on_end = on_end
        self._sha256 = hashlib.sha256()
        self._hashing = Strand(pool, self._sha256.update, waiting_max=waiting_max)
        self._gatherer = Gatherer(0, extent_bytes)
        self._handed_bytes = 0
        self._removing: asyncio.Task[None] | None = None
        self._is_open = True
        self._is_sealed = False

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append; returns before the bytes are stored, with a few pieces under way.

        Raises StorageFullError or UnavailableError, and then the object is gone.
        """
        self._check_open()
        if self._is_sealed:
            raise ConflictError("the object is sealed: nothing can be appended")
        for piece in self._gatherer.add(data):
            await self._or_abort(partial(self._hand_over, piece))

    async def seal(self) -> None:
        """Make the object durable, not readable yet. Raises as `write` does, and ConflictError."""
        self._check_open()
        await self._or_abort(self._seal)

    async def commit(self) -> Receipt:
        """Make the object durable and readable. Raises as `seal` does."""
        self._check_open()
        receipt: list[Receipt] = []

        async def finish() -> None:
            await self._seal()
            stored = StoredObject(*self._identity, self._handed_bytes, self._extent_bytes)
            receipt.append(Receipt(stored, self._sha256.digest(), self._place.sums))
            await self._place.publish(receipt[0])

        await self._or_abort(finish)
        self._is_open = False
        self._on_end()
        return receipt[0]

    async def abort(self) -> None:
        """Remove every trace; nothing to do when the object is committed or gone already."""
        if self._is_open:
            self._is_open = False
            self._removing = asyncio.create_task(self._remove())
        if self._removing is not None:
            await asyncio.shield(self._removing)

    def _check_open(self) -> None:
        if not self._is_open:
            object_id, generation = self._identity
            raise ConflictError(f"generation {generation} of {object_id} is not being written")

    async def _hand_over(self, piece: Piece) -> None:
        begins_extent = self._handed_bytes % self._extent_bytes == 0
        self._handed_bytes += len(piece)
        await self._hashing.give(piece)
        await self._place.put(piece, begins_extent=begins_extent)

    async def _seal(self) -> None:
        if self._is_sealed:
            return
        self._is_sealed = True
        rest = self._gatherer.rest()
        if rest or not self._handed_bytes:
            await self._hand_over(rest)
        await self._place.finish()
        await self._hashing.settle()

    async def _or_abort(self, step: Callable[[], Awaitable[None]]) -> None:
        """A step that failed takes the object with it; a cancelled one leaves it to the caller."""
        try:
            with self._place.telling():
                await step()
        except Exception:
            await self.abort()
            raise

    async def _remove(self) -> None:
        try:
            await self._hashing.stop()
            await self._place.remove()
        finally:
            self._on_end()

"""The writer of the disk store: gathers pieces, hands them to a thread, commits whole objects.

Decides how much is in memory (one piece being gathered, one being written) and in which order a
commit becomes visible. A piece is hashed in one thread while another writes it to all copies; the
syncing of a finished extent goes on beside the writing of the next.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final

from cdnkit.errors import ConflictError, UnavailableError
from origin.store.base import Receipt, StoredObject
from origin.store.copies import GrowingExtent
from origin.store.extents import PIECE_BYTES
from origin.store.volumes import OpenVolume, VolumeSet, sync_directory

SEALING_MAX: Final = 2
"""Extents that may wait for their sync while the next is written."""


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """What all writers of a store share."""

    volumes: VolumeSet
    pool: Executor
    extent_bytes: int
    copies: int


class DiskWriter:
    """One object on its way to the volumes. `on_end` is called once, when it is over."""

    def __init__(
        self,
        settings: WriterSettings,
        object_id: str,
        generation: int,
        on_end: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._object_id = object_id
        self._generation = generation
        self._on_end = on_end
        self._sha256 = hashlib.sha256()
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._handed_bytes = 0
        self._extents: list[GrowingExtent] = []
        self._working: list[asyncio.Future[None]] = []
        self._sealing: deque[asyncio.Future[None]] = deque()
        self._under_way: set[asyncio.Future[Any]] = set()
        self._removing: asyncio.Task[None] | None = None
        self._is_open = True

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append; returns before the bytes are on disk, with at most one piece under way.

        Raises StorageFullError or UnavailableError, and then the object is gone.
        """
        self._check_open()
        view = memoryview(data).cast("B")
        at = 0
        while at < len(view):
            stop = min(len(view), at + self._piece_bytes() - self._gathered_bytes)
            whole = isinstance(data, bytes) and stop - at == len(data)
            self._gathered.append(data if whole else bytes(view[at:stop]))  # type: ignore[arg-type]
            self._gathered_bytes += stop - at
            at = stop
            if self._gathered_bytes == self._piece_bytes():
                await self._or_abort(self._hand_over())

    async def commit(self) -> Receipt:
        """Make the object durable and readable. Raises as `write` does."""
        self._check_open()
        await self._or_abort(self._finish())
        self._is_open = False
        self._on_end()
        stored = StoredObject(
            self._object_id, self._generation, self._handed_bytes, self._settings.extent_bytes
        )
        crc32c = tuple(extent.crc32c for extent in self._extents)
        return Receipt(stored, self._sha256.digest(), crc32c)

    async def abort(self) -> None:
        """Remove every trace; nothing to do when the object is committed or gone already."""
        if self._is_open:
            self._is_open = False
            self._gathered.clear()
            self._removing = asyncio.create_task(self._remove())
        if self._removing is not None:
            await asyncio.shield(self._removing)

    def _check_open(self) -> None:
        if not self._is_open:
            raise ConflictError(
                f"generation {self._generation} of {self._object_id} is not being written"
            )

    def _piece_bytes(self) -> int:
        """How large the piece being gathered gets: it ends where its extent ends."""
        extent_bytes = self._settings.extent_bytes
        return min(PIECE_BYTES, extent_bytes - self._handed_bytes % extent_bytes)

    async def _hand_over(self) -> None:
        """Wait for the piece before, then let a thread write the gathered one."""
        await self._settle()
        begins_extent = self._handed_bytes % self._settings.extent_bytes == 0
        if begins_extent and self._extents:
            await self._begin_sealing()
        piece = b"".join(self._gathered)
        self._gathered.clear()
        self._gathered_bytes = 0
        self._handed_bytes += len(piece)
        # Side by side: in one thread, SHA-256 and writing together reach half the speed of the disk
        # (docs/decisions/0003-origin-store.md).
        self._working = [
            self._hop(self._put, piece, begins_extent),
            self._hop(self._sha256.update, piece),
        ]

    async def _begin_sealing(self) -> None:
        while len(self._sealing) >= SEALING_MAX:
            await asyncio.shield(self._sealing[0])
            self._sealing.popleft()
        self._sealing.append(self._hop(self._extents[-1].seal))

    async def _settle(self) -> None:
        for work in self._working:
            await asyncio.shield(work)
        self._working = []

    async def _finish(self) -> None:
        if self._gathered_bytes or not self._handed_bytes:
            await self._hand_over()
        await self._settle()
        await self._begin_sealing()
        for sealing in self._sealing:
            await asyncio.shield(sealing)
        await asyncio.shield(self._hop(self._publish))

    async def _or_abort(self, step: Coroutine[Any, Any, None]) -> None:
        """A step that failed takes the object with it; a cancelled one leaves it to the caller."""
        try:
            await step
        except OSError as error:
            await self.abort()
            raise UnavailableError(f"the object could not be written: {error}") from error
        except Exception:
            await self.abort()
            raise

    def _hop(self, work: Callable[..., None], *args: object) -> asyncio.Future[None]:
        future = asyncio.get_running_loop().run_in_executor(self._settings.pool, work, *args)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def _put(self, piece: bytes, begins_extent: bool) -> None:
        if begins_extent:
            self._extents.append(
                GrowingExtent(
                    self._settings.volumes,
                    self._object_id,
                    self._generation,
                    len(self._extents),
                    self._settings.copies,
                )
            )
        self._extents[-1].put(piece)

    def _publish(self) -> None:
        """Rename everything into place, extent 0 last: it is what makes an object exist."""
        self._publish_some(self._extents[1:])
        self._publish_some(self._extents[:1])

    def _publish_some(self, extents: list[GrowingExtent]) -> None:
        changed: set[tuple[OpenVolume, str]] = set()
        for extent in extents:
            changed |= extent.publish()
        for volume, directory in changed:
            try:
                sync_directory(directory)
            except OSError as error:
                self._settings.volumes.fail(volume, error)
        for extent in extents:
            extent.check_held()

    async def _remove(self) -> None:
        # Threads cannot be interrupted, and what they still write has to be removed, too.
        await asyncio.gather(
            *self._under_way, *self._working, *self._sealing, return_exceptions=True
        )
        try:
            await self._hop(self._remove_extents)
        finally:
            self._on_end()

    def _remove_extents(self) -> None:
        for extent in self._extents:
            extent.remove()

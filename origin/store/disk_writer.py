"""Where a writer of the disk store puts extents: copies on volumes, synced, then renamed.

Decides in which order a commit becomes visible. A piece is written to all copies in one thread; the
syncing of a finished extent goes on beside the writing of the next. The life of a writer is
`origin.store.gathering`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from cdnkit.errors import UnavailableError
from origin.store.base import Receipt
from origin.store.copies import GrowingExtent
from origin.store.crc32c import Piece
from origin.store.gathering import GatheringWriter
from origin.store.strand import Strand
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


class DiskPlace:
    """The extents of one object on their way to the volumes."""

    def __init__(self, settings: WriterSettings, object_id: str, generation: int) -> None:
        self._settings = settings
        self._identity = (object_id, generation)
        self._extents: list[GrowingExtent] = []
        self._writing = Strand(settings.pool, self._write)
        self._has_begun = False
        self._sealing: deque[asyncio.Future[None]] = deque()
        self._under_way: set[asyncio.Future[Any]] = set()

    @property
    def sums(self) -> tuple[int, ...]:
        """The CRC32C of each extent."""
        return tuple(extent.crc32c for extent in self._extents)

    async def put(self, piece: Piece, *, begins_extent: bool) -> None:
        """Append. Raises OSError, StorageFullError, UnavailableError."""
        if begins_extent and self._has_begun:
            await self._writing.settle()
            await self._begin_sealing()
        self._has_begun = True
        await self._writing.give(piece)

    async def finish(self) -> None:
        """Make all extents durable."""
        await self._writing.settle()
        await self._begin_sealing()
        for sealing in self._sealing:
            await asyncio.shield(sealing)

    async def publish(self, receipt: Receipt) -> None:
        """Rename everything into place."""
        await asyncio.shield(self._hop(self._publish))

    async def remove(self) -> None:
        """Leave no trace. Threads cannot be interrupted, and what they still write goes, too."""
        await self._writing.stop()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._hop(self._remove)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Turn trouble with all volumes into UnavailableError."""
        try:
            yield
        except OSError as error:
            raise UnavailableError(f"the object could not be written: {error}") from error

    async def _begin_sealing(self) -> None:
        while len(self._sealing) >= SEALING_MAX:
            await asyncio.shield(self._sealing[0])
            self._sealing.popleft()
        self._sealing.append(self._hop(self._extents[-1].seal))

    def _hop(self, work: Callable[..., None], *args: object) -> asyncio.Future[None]:
        future = asyncio.get_running_loop().run_in_executor(self._settings.pool, work, *args)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def _write(self, piece: Piece) -> None:
        settings = self._settings
        if not self._extents or self._extents[-1].size_bytes == settings.extent_bytes:
            index = len(self._extents)
            self._extents.append(
                GrowingExtent(settings.volumes, *self._identity, index, settings.copies)
            )
        self._extents[-1].put(piece)

    def _publish(self) -> None:
        """Extent 0 comes last: it is what makes an object exist."""
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

    def _remove(self) -> None:
        for extent in self._extents:
            extent.remove()


def open_disk_writer(
    settings: WriterSettings, object_id: str, generation: int, on_end: Callable[[], None]
) -> GatheringWriter:
    """A writer of one object. `on_end` is called once, when it is over."""
    place = DiskPlace(settings, object_id, generation)
    identity = (object_id, generation)
    return GatheringWriter(place, settings.pool, identity, settings.extent_bytes, on_end)

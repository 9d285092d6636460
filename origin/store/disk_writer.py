"""Where a writer of the disk store puts extents: copies on volumes, synced, then renamed.

Decides in which order a commit becomes visible. Several pieces are written at the same time, each
by one thread to all copies; a finished extent is synced beside the writing of the next. The life of
a writer is `origin.store.gathering`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from cdnkit.errors import StorageFullError, UnavailableError
from origin.store.base import Receipt
from origin.store.copies import GrowingExtent
from origin.store.crc32c import Piece
from origin.store.gathering import GatheringWriter
from origin.store.piece_budget import PieceBudget
from origin.store.strand import Strand
from origin.store.volumes import (
    FULL_ERRNOS,
    OpenVolume,
    VolumeSet,
    check_own,
    sync_directory,
)

SEALING_MAX: Final = 2
"""Extents that may wait for their sync while the next is written."""

WRITES_AT_ONCE: Final = 4
"""Of one object (docs/decisions/0028-films-past-the-page-cache.md)."""


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """What all writers of a store share."""

    volumes: VolumeSet
    pool: Executor
    extent_bytes: int
    copies: int
    budget: PieceBudget = field(default_factory=PieceBudget)


@dataclass(frozen=True, slots=True)
class _Allotted:
    """A piece and where it goes."""

    extent: GrowingExtent
    start: int
    piece: Piece


class DiskPlace:
    """The extents of one object on their way to the volumes."""

    def __init__(
        self, settings: WriterSettings, object_id: str, generation: int, size_bytes: int | None
    ) -> None:
        self._settings = settings
        self._identity = (object_id, generation)
        self._size_bytes = size_bytes
        self._extents: list[GrowingExtent] = []
        self._writing = Strand(
            settings.pool, _write, hands=WRITES_AT_ONCE, waiting_max=settings.budget.share
        )
        self._sealing: deque[asyncio.Future[None]] = deque()
        self._under_way: set[asyncio.Future[Any]] = set()
        self._is_removed = False

    @property
    def sums(self) -> tuple[int, ...]:
        """The CRC32C of each extent."""
        return tuple(extent.crc32c for extent in self._extents)

    async def put(self, piece: Piece, *, begins_extent: bool) -> None:
        """Append. Raises OSError, StorageFullError, UnavailableError."""
        if begins_extent:
            if self._extents:
                await self._begin_sealing()
            await asyncio.shield(self._hop(self._begin_extent))
        extent = self._extents[-1]
        await self._writing.give(_Allotted(extent, extent.allot(len(piece)), piece))

    async def finish(self) -> None:
        """Make all extents durable."""
        await self._begin_sealing()
        await self._writing.settle()
        for sealing in self._sealing:
            await asyncio.shield(sealing)

    async def publish(self, receipt: Receipt) -> None:
        """Rename everything into place."""
        await asyncio.shield(self._hop(self._publish))

    async def remove(self) -> None:
        """Leave no trace. Threads cannot be interrupted, and what they still write goes, too."""
        self._is_removed = True
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
        """Have the last extent synced as soon as all of it is written."""
        if len(self._sealing) >= SEALING_MAX:
            # What cannot be written is never sealed: that is told here.
            await self._writing.settle()
            await asyncio.shield(self._sealing[0])
            self._sealing.popleft()
        extent, loop = self._extents[-1], asyncio.get_running_loop()
        sealed = loop.create_future()
        self._sealing.append(sealed)
        extent.when_written(lambda: loop.call_soon_threadsafe(self._seal, extent, sealed))

    def _seal(self, extent: GrowingExtent, sealed: asyncio.Future[None]) -> None:
        if not self._is_removed:
            self._hop(extent.seal).add_done_callback(partial(_pass_on, sealed))

    def _hop(self, work: Callable[..., None], *args: object) -> asyncio.Future[None]:
        future = asyncio.get_running_loop().run_in_executor(self._settings.pool, work, *args)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def _begin_extent(self) -> None:
        settings, index = self._settings, len(self._extents)
        planned_bytes = None
        if self._size_bytes is not None:
            rest_bytes = self._size_bytes - index * settings.extent_bytes
            planned_bytes = max(0, min(settings.extent_bytes, rest_bytes))
        self._extents.append(
            GrowingExtent(
                settings.volumes,
                *self._identity,
                index,
                settings.copies,
                planned_bytes=planned_bytes,
            )
        )

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
                check_own(error)
                if error.errno in FULL_ERRNOS:
                    raise StorageFullError(f"volume {volume.name} is full") from error
                self._settings.volumes.fail(volume, error)
        for extent in extents:
            extent.check_held()

    def _remove(self) -> None:
        for extent in self._extents:
            extent.remove()


def open_disk_writer(
    settings: WriterSettings,
    identity: tuple[str, int],
    size_bytes: int | None,
    on_end: Callable[[], None],
) -> GatheringWriter:
    """A writer of one object, of so many bytes if they are known.

    `on_end` is called once, when it is over.
    """
    budget = settings.budget
    budget.join()

    def end() -> None:
        budget.leave()
        on_end()

    return GatheringWriter(
        DiskPlace(settings, *identity, size_bytes),
        settings.pool,
        identity,
        settings.extent_bytes,
        end,
        waiting_max=budget.share,
    )


def _write(allotted: _Allotted) -> None:
    allotted.extent.put_at(allotted.start, allotted.piece)


def _pass_on(sealed: asyncio.Future[None], done: asyncio.Future[None]) -> None:
    if done.cancelled():
        sealed.cancel()
    elif (error := done.exception()) is None:
        sealed.set_result(None)
    else:
        sealed.set_exception(error)
        sealed.exception()  # looked at: a writer that is given up waits for none

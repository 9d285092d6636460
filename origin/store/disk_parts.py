"""Parts of objects on disk volumes: the contract of `origin.store.resumable` over kept extents.

Decides what of a part is durable and when, and in which order parts become an object: linked to
their places, extent 0 last, and only then unlinked where they were kept; so a crash in between
loses nothing. All file calls run in the store's threads.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from concurrent.futures import Executor
from typing import Final, TypeVar

from cdnkit.errors import CinedgeError, NotFoundError, UnavailableError
from origin.store.base import StoredObject
from origin.store.crc32c import Piece
from origin.store.disk_writer import SEALING_MAX
from origin.store.extents import extent_count, extent_name, is_sound, placement_key
from origin.store.kept_extents import (
    KeptCopy,
    KeptExtent,
    drop,
    kept_files,
    kept_path,
    sync_duplicates,
    take_up,
)
from origin.store.resumable import ANY_EXTENT_BYTES, SYNC_BYTES, Identity, PartState
from origin.store.sums import PIECE_BYTES
from origin.store.volumes import OpenVolume, VolumeSet, check_own, sync_directory

T = TypeVar("T")

_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})
"""File systems that cannot have a second name for a file."""


class DiskPart:
    """A part on its way to the volumes."""

    def __init__(
        self, parts: DiskParts, identity: Identity, state: PartState, extent: KeptExtent | None
    ) -> None:
        self._parts = parts
        self._identity = identity
        self._extent_bytes = state.extent_bytes
        self._start = state.start
        self._offset = state.offset
        self._closed_crc32c = list(state.crc32c[:-1] if extent is not None else state.crc32c)
        self._extent = extent
        self._sealing: deque[asyncio.Future[None]] = deque()

    @property
    def offset(self) -> int:
        """Where the next byte goes in the object."""
        return self._offset

    async def put(self, piece: Piece) -> None:
        """Append. Raises StorageFullError, UnavailableError."""
        while piece:
            room_bytes = self._extent_bytes - self._offset % self._extent_bytes
            await self._put(piece[:room_bytes])
            piece = piece[room_bytes:]

    def sync(self) -> Awaitable[PartState]:
        """Make durable what was put before the call."""
        duplicates: list[tuple[KeptCopy, int]] = []
        if self._extent is not None:
            duplicates = self._extent.duplicates()
            if not duplicates:
                raise UnavailableError("no volume holds the last bytes")
        return self._sync(self._state(), duplicates, list(self._sealing))

    async def finish(self) -> PartState:
        """Make all of it durable and close its last extent."""
        if self._extent is None and not self._closed_crc32c:
            self._extent = await self._parts.hop(self._new_extent)
        state = self._state()
        if self._extent is not None:
            await self._seal()
        while self._sealing:
            await asyncio.shield(self._sealing[0])
            self._sealing.popleft()
        return state

    async def close(self) -> None:
        """Let go of the files."""
        await asyncio.gather(*self._sealing, return_exceptions=True)
        extent, self._extent = self._extent, None
        if extent is not None:
            await self._parts.hop(extent.let_go)

    async def _sync(
        self,
        state: PartState,
        duplicates: list[tuple[KeptCopy, int]],
        sealing: list[asyncio.Future[None]],
    ) -> PartState:
        await self._parts.hop(sync_duplicates, self._parts.volumes, duplicates)
        for future in sealing:
            await asyncio.shield(future)
        return state

    async def _put(self, piece: Piece) -> None:
        extent = self._extent
        if extent is None:
            extent = self._extent = await self._parts.hop(self._new_extent)
        await self._parts.hop(extent.put, piece)
        self._offset += len(piece)
        if self._offset % self._extent_bytes == 0:
            await self._seal()

    async def _seal(self) -> None:
        """Let the finished extent become durable beside what follows."""
        while len(self._sealing) >= SEALING_MAX:
            await asyncio.shield(self._sealing[0])
            self._sealing.popleft()
        assert self._extent is not None
        self._closed_crc32c.append(self._extent.crc32c)
        self._sealing.append(self._parts.hop(self._extent.seal))
        self._extent = None

    def _state(self) -> PartState:
        open_crc32c = () if self._extent is None else (self._extent.crc32c,)
        crc32c = (*self._closed_crc32c, *open_crc32c)
        return PartState(self._extent_bytes, self._start, self._offset, crc32c)

    def _new_extent(self) -> KeptExtent:
        index = self._offset // self._extent_bytes
        return KeptExtent(self._parts.volumes, *self._identity, index, self._parts.copies)


class DiskParts:
    """The parts side of a disk store."""

    extent_bytes_max: Final = ANY_EXTENT_BYTES
    sync_bytes: Final = SYNC_BYTES

    def __init__(self, volumes: VolumeSet, pool: Executor, copies: int) -> None:
        self.volumes = volumes
        self.copies = copies
        self._pool = pool

    async def open_part(self, identity: Identity, state: PartState) -> DiskPart:
        """Begin a part, or go on. Raises NotFoundError, UnavailableError."""
        index, within = divmod(state.offset, state.extent_bytes)
        extent = None
        if within:
            extent = await self.hop(
                lambda: take_up(
                    self.volumes,
                    (*identity, index),
                    self.copies,
                    size_bytes=within,
                    crc32c=state.crc32c[-1],
                )
            )
        return DiskPart(self, identity, state, extent)

    async def read(
        self, identity: Identity, extent_bytes: int, start: int, stop: int
    ) -> AsyncIterator[bytes]:
        """Yield `[start, stop)`, each extent verified first. Raises NotFoundError."""
        while start < stop:
            index = start // extent_bytes
            fd = await self.hop(self._open_sound, identity, index)
            try:
                end = min(stop, (index + 1) * extent_bytes)
                while start < end:
                    size_bytes = min(PIECE_BYTES, end - start)
                    piece = await self.hop(os.pread, fd, size_bytes, start % extent_bytes)
                    if len(piece) < size_bytes:
                        raise NotFoundError(f"extent {index} of {identity[0]} is too short")
                    start += size_bytes
                    yield piece
            finally:
                os.close(fd)

    async def assemble(self, stored: StoredObject) -> None:
        """Give every extent its place. Raises NotFoundError, UnavailableError."""
        await self.hop(self._assemble, stored)

    async def discard(self, identity: Identity, extents: range | None = None) -> None:
        """Forget extents."""
        await self.hop(self._discard, identity, extents)

    async def keep_only(self, known: Collection[Identity]) -> int:
        """Forget the parts of all other objects; those kept are counted as used."""
        return await self.hop(self._keep_only, {_stem(identity) for identity in known})

    def hop(self, work: Callable[..., T], *args: object) -> asyncio.Future[T]:
        """Run in one of the store's threads."""
        return asyncio.get_running_loop().run_in_executor(self._pool, work, *args)

    def _open_sound(self, identity: Identity, index: int) -> int:
        name = extent_name(*identity, index)
        for volume in self.volumes.for_reading(placement_key(*identity, index)):
            for path in (kept_path(volume, name), volume.extent_path(name)):
                try:
                    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                except OSError as error:
                    check_own(error)
                    continue
                try:
                    if is_sound(fd, *identity, index):
                        return fd
                except OSError as error:
                    self.volumes.fail(volume, error)
                os.close(fd)
        raise self._missing(f"no sound copy of extent {index} of {identity[0]} is left")

    def _assemble(self, stored: StoredObject) -> None:
        identity = (stored.object_id, stored.generation)
        count = extent_count(stored)
        self._place(identity, range(1, count))
        self._place(identity, range(1))

    def _place(self, identity: Identity, indexes: range) -> None:
        changed: set[tuple[OpenVolume, str]] = set()
        for index in indexes:
            name = extent_name(*identity, index)
            placed = [self._link(volume, name) for volume in self.volumes.volumes]
            if not any(placed):
                raise self._missing(f"extent {index} of {identity[0]} is not there")
            changed |= {(volume, os.path.dirname(path)) for volume, path in filter(None, placed)}
        for volume, directory in changed:
            try:
                sync_directory(directory)
            except OSError as error:
                check_own(error)
                self.volumes.fail(volume, error)
        if changed and all(volume.failure is not None for volume, _ in changed):
            raise UnavailableError("the volumes failed while the object was put together")

    def _link(self, volume: OpenVolume, name: str) -> tuple[OpenVolume, str] | None:
        """Give a kept copy its place; None when this volume has none."""
        if volume.failure is not None:
            return None
        source, path = kept_path(volume, name), volume.extent_path(name)
        try:
            if not os.path.exists(source):
                return (volume, path) if os.path.exists(path) else None
            directory = os.path.dirname(path)
            if not os.path.isdir(directory):
                os.makedirs(directory, exist_ok=True)
                sync_directory(os.path.dirname(directory))
            _link_or_move(source, path)
        except OSError as error:
            check_own(error)
            self.volumes.fail(volume, error)
            return None
        return volume, path

    def _missing(self, detail: str) -> CinedgeError:
        """Lost, unless a failing volume may have it."""
        if self.volumes.healthy_count() < len(self.volumes.volumes):
            return UnavailableError(detail)
        return NotFoundError(detail)

    def _discard(self, identity: Identity, extents: range | None) -> None:
        stem = _stem(identity)
        for volume, name, _ in kept_files(self.volumes):
            found, _, index = name.rpartition("-")
            if found == stem and (extents is None or int(index) in extents):
                drop(volume, name)

    def _keep_only(self, stems: set[str]) -> int:
        dropped = 0
        for volume, name, status in kept_files(self.volumes):
            if status.st_nlink == 1:
                volume.used_bytes += status.st_size
            if name.rpartition("-")[0] not in stems:
                drop(volume, name)
                dropped += 1
        return dropped


def _link_or_move(source: str, path: str) -> None:
    try:
        os.link(source, path)
    except FileExistsError:
        return  # a crash between linking and publishing
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.rename(source, path)


def _stem(identity: Identity) -> str:
    return os.path.basename(extent_name(*identity, 0)).rpartition("-")[0]

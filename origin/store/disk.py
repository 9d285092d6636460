"""The byte store on disk volumes: the contract of `origin.store.base` over extent files.

Decides what may be created and how objects go. Reading is `origin.store.disk_reader`, writing
`origin.store.disk_writer`; all file calls run in the store's own threads.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from cdnkit.errors import (
    ConflictError,
    NotFoundError,
    StorageFullError,
    UnavailableError,
)
from config.topology import Volume
from origin.store.base import EXTENT_BYTES_DEFAULT, FileSlice, Lease, StoredObject, Writer
from origin.store.disk_parts import DiskParts
from origin.store.disk_reader import DiskReader
from origin.store.disk_writer import WriterSettings, open_disk_writer
from origin.store.extents import (
    extent_count,
    extent_name,
    locate,
    placement_key,
)
from origin.store.mending import Mender
from origin.store.upkeep import Upkeep, UpkeepSettings
from origin.store.volumes import (
    VolumeSet,
    VolumeState,
)

DESCRIPTORS_MAX_DEFAULT: Final = 1024
THREADS_DEFAULT: Final = 8

T = TypeVar("T")


class DiskStore:
    """Extents as files on volumes. Made by `open_disk_store`."""

    def __init__(
        self,
        volumes: VolumeSet,
        pool: ThreadPoolExecutor,
        writers_pool: ThreadPoolExecutor,
        *,
        copies: int,
        extent_bytes: int,
        descriptors_max: int,
    ) -> None:
        self._volumes = volumes
        self._pool = pool
        self._writers_pool = writers_pool
        self._writer_settings = WriterSettings(volumes, writers_pool, extent_bytes, copies)
        self.parts = DiskParts(volumes, writers_pool, copies)
        self._reader = DiskReader(volumes, pool, descriptors_max, copies)
        self._writing: set[tuple[str, int]] = set()

    def volume_states(self) -> tuple[VolumeState, ...]:
        """Use and health of each volume."""
        return self._volumes.states()

    def open_upkeep(
        self,
        settings: UpkeepSettings,
        clock: Callable[[], float],
        expected: Callable[[], Iterable[StoredObject]] = tuple,
    ) -> Upkeep:
        """The background work of this store; somebody has to `run` it."""
        loop = asyncio.get_running_loop()

        def forget(key: tuple[str, int, int]) -> None:
            loop.call_soon_threadsafe(self._reader.descriptors.forget, key)

        mender = Mender(
            self._volumes,
            self._writer_settings.copies,
            is_writing=lambda *identity: identity in self._writing,
            forget=forget,
        )
        return Upkeep(self._volumes, mender, settings, clock, expected)

    def degraded_writes(self) -> int:
        """Extents written with fewer copies than wanted since the start."""
        return self._volumes.degraded_writes

    async def readmit(self, name: str) -> None:
        """Use a volume again. Raises NotFoundError, UnavailableError when it still fails."""
        try:
            await self._hop(self._volumes.readmit, name)
        except KeyError:
            raise NotFoundError(f"no volume {name}") from None
        except (OSError, ValueError) as error:
            raise UnavailableError(f"volume {name} still fails: {error}") from error

    async def create(
        self, object_id: str, generation: int, size_bytes: int | None = None
    ) -> Writer:
        """Begin a new object; see `origin.store.base.ByteStore`."""
        identity = (object_id, generation)
        if identity in self._writing:
            raise ConflictError(f"generation {generation} of {object_id} is being written")
        self._writing.add(identity)
        try:
            await self._hop(self._check_creatable, object_id, generation, size_bytes or 0)
        except BaseException:
            self._writing.discard(identity)
            raise
        return open_disk_writer(
            self._writer_settings,
            identity,
            size_bytes,
            on_end=lambda: self._writing.discard(identity),
        )

    def read(self, stored: StoredObject, start: int, stop: int) -> AsyncIterator[bytes]:
        """Yield `[start, stop)`; a copy that turns out bad is replaced on the way."""
        return self._reader.read(stored, start, stop)

    def slices(self, stored: StoredObject, start: int, stop: int) -> list[FileSlice] | None:
        """Where `[start, stop)` lies in files; None when a piece has no file just now."""
        found = []
        for wanted in locate(stored, start, stop):
            name = extent_name(stored.object_id, stored.generation, wanted.index)
            key = placement_key(stored.object_id, stored.generation, wanted.index)
            paths = (volume.extent_path(name) for volume in self._volumes.for_reading(key))
            path = next((path for path in paths if os.path.exists(path)), None)
            if path is None:
                return None
            found.append(FileSlice(path, wanted.start, wanted.stop))
        return found

    def lease_now(self, stored: StoredObject, start: int, stop: int) -> Lease | None:
        """A lease of what is open already."""
        return self._reader.lease_now(stored, start, stop)

    async def lease(self, stored: StoredObject, start: int, stop: int) -> Lease:
        """Hold `[start, stop)` open. Raises as `read` does."""
        return await self._reader.lease(stored, start, stop)

    async def delete(self, stored: StoredObject) -> None:
        """Remove the bytes; who reads them now keeps them until done."""
        for index in range(extent_count(stored)):
            self._reader.descriptors.forget((stored.object_id, stored.generation, index))
        await self._hop(self._unlink, stored)

    async def close(self) -> None:
        """Release descriptors and threads."""
        self._reader.descriptors.clear()
        await asyncio.to_thread(self._pool.shutdown)
        await asyncio.to_thread(self._writers_pool.shutdown)

    def _check_creatable(self, object_id: str, generation: int, size_bytes: int) -> None:
        name = extent_name(object_id, generation, 0)
        if any(os.path.exists(volume.extent_path(name)) for volume in self._volumes.volumes):
            raise ConflictError(f"generation {generation} of {object_id} exists")
        rooms = []
        for volume in self._volumes.volumes:
            if volume.failure is None:
                try:
                    rooms.append(volume.room_bytes())
                except OSError as error:
                    self._volumes.fail(volume, error)
        if not rooms:
            raise UnavailableError("no volume works")
        copies = min(self._writer_settings.copies, len(rooms))
        if sum(min(room, size_bytes) for room in rooms) < size_bytes * copies:
            raise StorageFullError(f"no room for {copies} x {size_bytes} bytes")

    def _unlink(self, stored: StoredObject) -> None:
        """Extent 0 goes first: what a crash leaves behind is then known as rubbish."""
        for volume in self._volumes.volumes:
            # A vanished disk looks empty, and would bring the object back when it returns.
            self._volumes.check(volume)
        for index in range(extent_count(stored)):
            self._volumes.unlink(extent_name(stored.object_id, stored.generation, index))
        self._volumes.save_undeleted()

    async def _hop(self, work: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)


async def open_disk_store(
    volumes: Sequence[Volume],
    *,
    state_path: Path,
    clock: Callable[[], float],
    copies: int = 1,
    extent_bytes: int = EXTENT_BYTES_DEFAULT,
    threads: int = THREADS_DEFAULT,
    descriptors_max: int = DESCRIPTORS_MAX_DEFAULT,
) -> DiskStore:
    """Open the volumes, sweep and count them. Volumes that fail are isolated, not fatal.

    `state_path` is a small file outside the volumes in which failures are remembered.
    """
    volume_set = VolumeSet(volumes, state_path, clock)
    pool = ThreadPoolExecutor(threads, "store")
    await asyncio.get_running_loop().run_in_executor(pool, volume_set.open)
    return DiskStore(
        volume_set,
        pool,
        # Whoever waits for a disk to read from need not wait for those who wait to write.
        ThreadPoolExecutor(threads, "store-writing"),
        copies=copies,
        extent_bytes=extent_bytes,
        descriptors_max=descriptors_max,
    )

"""The byte store on disk volumes: the contract of `origin.store.base` over extent files.

Decides which copy of an extent is read and what is done about a bad one. Writing is
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
from origin.store.base import EXTENT_BYTES_DEFAULT, FileSlice, OpenSlice, StoredObject, Writer
from origin.store.descriptors import Descriptor, DescriptorCache, ExtentKey
from origin.store.disk_parts import DiskParts
from origin.store.disk_writer import DiskWriter, WriterSettings
from origin.store.extents import (
    PIECE_BYTES,
    ExtentSlice,
    extent_count,
    extent_name,
    footer_bytes,
    is_sound,
    locate,
    placement_key,
)
from origin.store.mending import Mender
from origin.store.upkeep import Upkeep, UpkeepSettings
from origin.store.volumes import (
    OWN_ERRNOS,
    OpenVolume,
    VolumeSet,
    VolumeState,
)

DESCRIPTORS_MAX_DEFAULT: Final = 1024
THREADS_DEFAULT: Final = 8

T = TypeVar("T")


class DiskLease:
    """An interval of an object, each of its extents held open."""

    def __init__(self, cache: DescriptorCache, wanted: Sequence[ExtentSlice]) -> None:
        self.wanted = wanted
        self.held: list[Descriptor] = []
        self._cache = cache

    @property
    def slices(self) -> Sequence[OpenSlice]:
        """The interval in order."""
        return [
            OpenSlice(descriptor.fd, wanted.start, wanted.stop)
            for descriptor, wanted in zip(self.held, self.wanted, strict=True)
        ]

    def replace(self, position: int, descriptor: Descriptor) -> None:
        """Go on with another copy."""
        self._cache.release(self.held[position])
        self.held[position] = descriptor

    def release(self) -> None:
        """Give the descriptors back."""
        for descriptor in self.held:
            self._cache.release(descriptor)
        self.held.clear()


class DiskStore:
    """Extents as files on volumes. Made by `open_disk_store`."""

    def __init__(
        self,
        volumes: VolumeSet,
        pool: ThreadPoolExecutor,
        *,
        copies: int,
        extent_bytes: int,
        descriptors_max: int,
    ) -> None:
        self._volumes = volumes
        self._pool = pool
        self._writer_settings = WriterSettings(volumes, pool, extent_bytes, copies)
        self.parts = DiskParts(volumes, pool, copies)
        self._descriptors = DescriptorCache(descriptors_max, self._close_fd)
        self._writing: set[tuple[str, int]] = set()
        self._suspect: set[ExtentKey] = set()

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

        def forget(key: ExtentKey) -> None:
            loop.call_soon_threadsafe(self._descriptors.forget, key)

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
        return DiskWriter(
            self._writer_settings,
            object_id,
            generation,
            on_end=lambda: self._writing.discard(identity),
        )

    async def read(self, stored: StoredObject, start: int, stop: int) -> AsyncIterator[bytes]:
        """Yield `[start, stop)`; a copy that turns out bad is replaced on the way."""
        lease = await self.lease(stored, start, stop)
        try:
            for position, wanted in enumerate(lease.wanted):
                at = wanted.start
                while at < wanted.stop:
                    size_bytes = min(PIECE_BYTES, wanted.stop - at)
                    data = await self._read_piece(stored, lease, position, at, size_bytes)
                    at += len(data)
                    yield data
        finally:
            lease.release()

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

    async def lease(self, stored: StoredObject, start: int, stop: int) -> DiskLease:
        """Hold `[start, stop)` open. Raises as `read` does."""
        lease = DiskLease(self._descriptors, locate(stored, start, stop))
        try:
            for wanted in lease.wanted:
                key = (stored.object_id, stored.generation, wanted.index)
                descriptor = self._descriptors.get(key)
                if descriptor is None:
                    descriptor = await self._open(key, wanted.size_bytes)
                lease.held.append(descriptor)
        except BaseException:
            lease.release()
            raise
        return lease

    async def suspect(self, stored: StoredObject) -> None:
        """Verify every copy of an object before it is read next: a reader found it wrong."""
        for index in range(extent_count(stored)):
            key = (stored.object_id, stored.generation, index)
            self._suspect.add(key)
            self._descriptors.forget(key)

    async def delete(self, stored: StoredObject) -> None:
        """Remove the bytes; who reads them now keeps them until done."""
        for index in range(extent_count(stored)):
            key = (stored.object_id, stored.generation, index)
            self._descriptors.forget(key)
            self._suspect.discard(key)
        await self._hop(self._unlink, stored)

    async def close(self) -> None:
        """Release descriptors and threads."""
        self._descriptors.clear()
        await asyncio.to_thread(self._pool.shutdown)

    async def _read_piece(
        self, stored: StoredObject, lease: DiskLease, position: int, at: int, size_bytes: int
    ) -> bytes:
        """One piece, from another copy when this one fails. Raises as `read` does."""
        bad: set[str] = set()
        while True:
            descriptor = lease.held[position]
            try:
                data = await self._hop(os.pread, descriptor.fd, size_bytes, at)
            except OSError as error:
                self._volumes.fail(descriptor.volume, error)
            else:
                if len(data) == size_bytes:
                    return data
            bad.add(descriptor.volume.name)
            self._descriptors.forget(descriptor.key)
            self._suspect.add(descriptor.key)
            extent_bytes = lease.wanted[position].size_bytes
            lease.replace(position, await self._open(descriptor.key, extent_bytes, bad))

    async def _open(
        self, key: ExtentKey, size_bytes: int, bad: set[str] | None = None
    ) -> Descriptor:
        finding = asyncio.get_running_loop().run_in_executor(
            self._pool, self._find_copy, key, size_bytes, bad or set()
        )
        try:
            fd, volume = await asyncio.shield(finding)
        except asyncio.CancelledError:
            # The thread goes on, and nobody else would close what it opens.
            finding.add_done_callback(self._close_found)
            raise
        return self._descriptors.add(key, fd, volume)

    def _close_found(self, finding: asyncio.Future[tuple[int, OpenVolume]]) -> None:
        if not finding.cancelled() and finding.exception() is None:
            self._close_fd(finding.result()[0])

    def _find_copy(self, key: ExtentKey, size_bytes: int, bad: set[str]) -> tuple[int, OpenVolume]:
        """Open the best copy that is not on a `bad` volume. Once one is found wanting, the others
        are verified before they are trusted."""
        found_bad, may_exist = bool(bad), False
        for volume in self._volumes.for_reading(placement_key(*key)):
            if volume.name in bad:
                continue
            fd = self._open_copy(key, volume)
            may_exist = may_exist or volume.failure is not None
            if fd is None:
                continue
            verify = found_bad or volume.suspect or key in self._suspect
            if self._is_good(fd, key, volume, size_bytes, verify):
                self._suspect.discard(key)
                return fd, volume
            os.close(fd)
            found_bad = True
        if found_bad or may_exist:
            raise UnavailableError(f"no copy of extent {key[2]} of {key[0]} can be read now")
        raise NotFoundError(f"no copy of extent {key[2]} of {key[0]} is left")

    def _open_copy(self, key: ExtentKey, volume: OpenVolume) -> int | None:
        try:
            return os.open(volume.extent_path(extent_name(*key)), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._volumes.check(volume)
        except OSError as error:
            if error.errno in OWN_ERRNOS:
                raise UnavailableError(f"out of descriptors or memory: {error}") from error
            self._volumes.fail(volume, error)
        return None

    def _is_good(
        self, fd: int, key: ExtentKey, volume: OpenVolume, size_bytes: int, verify: bool
    ) -> bool:
        """Whether an open copy can be read; a damaged one is put aside."""
        try:
            if os.fstat(fd).st_size == size_bytes + footer_bytes(key[0]) and (
                not verify or is_sound(fd, *key)
            ):
                return True
            volume.set_aside(extent_name(*key))
        except OSError as error:
            self._volumes.fail(volume, error)
        return False

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

    def _close_fd(self, fd: int) -> None:
        # The last close of an unlinked file frees its blocks, which takes a while.
        try:
            self._pool.submit(os.close, fd)
        except RuntimeError:
            os.close(fd)

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
        copies=copies,
        extent_bytes=extent_bytes,
        descriptors_max=descriptors_max,
    )

"""Reading extents from volumes: which copy is read, and what is done about a bad one.

Every piece is known to be right before it is given: `origin.store.vouching` says when it has to be
looked at. A copy that fails, or is found wrong, is left for another within the same read, and
doubted, which has the upkeep look at all copies of that extent. Opening and reading run in the
store's threads.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor

from cdnkit.errors import NotFoundError, UnavailableError
from origin.store.base import OpenSlice, StoredObject
from origin.store.descriptors import Descriptor, DescriptorCache, ExtentKey, OpenCopy
from origin.store.extents import ExtentSlice, extent_name, locate, placement_key, read_footer
from origin.store.sums import PIECE_BYTES
from origin.store.volumes import OpenVolume, VolumeSet, check_own
from origin.store.vouching import Look, Vouched


class DiskLease:
    """An interval of an object, each of its extents held open."""

    def __init__(self, reader: DiskReader, wanted: Sequence[ExtentSlice]) -> None:
        self.wanted = wanted
        self.slices: list[OpenSlice] = []
        self._held: list[Descriptor] = []
        self._reader = reader

    def add(self, descriptor: Descriptor) -> None:
        """Hold the next extent."""
        wanted = self.wanted[len(self._held)]
        self._held.append(descriptor)
        self.slices.append(OpenSlice(descriptor.fd, wanted.start, wanted.stop))

    def is_ready(self, position: int, start: int, stop: int) -> bool:
        """Whether `[start, stop)` may be sent as it is."""
        return self._held[position].vouched.covers(start, stop)

    async def make_ready(self, position: int, start: int, stop: int) -> None:
        """Read and verify. Raises NotFoundError, UnavailableError."""
        for piece in range(start // PIECE_BYTES, -(-stop // PIECE_BYTES)):
            await self.look(position, piece)

    async def look(self, position: int, piece: int) -> bytes:
        """One piece, verified, from another copy when this one fails. Raises as `make_ready`."""
        bad: set[str] = set()
        while True:
            descriptor = self._held[position]
            look = await self._reader.look(descriptor, piece)
            if look is not None:
                descriptor.vouched.note(look)
                if look.data is not None:
                    return look.data
            await self._leave(position, bad)

    async def replace(self, position: int) -> None:
        """Go on with another copy. Raises as `make_ready` does."""
        await self._leave(position, set())

    def release(self) -> None:
        """Give the descriptors back."""
        for descriptor in self._held:
            self._reader.descriptors.release(descriptor)
        self._held.clear()

    async def _leave(self, position: int, bad: set[str]) -> None:
        descriptor = self._held[position]
        bad.add(descriptor.volume.name)
        self._reader.doubt(descriptor.key)
        other = await self._reader.open(descriptor.key, self.wanted[position].size_bytes, bad)
        self._reader.descriptors.release(descriptor)
        self._held[position] = other
        wanted = self.wanted[position]
        self.slices[position] = OpenSlice(other.fd, wanted.start, wanted.stop)


class DiskReader:
    """Leases and reads on one set of volumes."""

    def __init__(
        self, volumes: VolumeSet, pool: Executor, descriptors_max: int, copies: int
    ) -> None:
        self.descriptors = DescriptorCache(descriptors_max, self._close_fd)
        self._volumes = volumes
        self._pool = pool
        self._copies = copies

    async def read(self, stored: StoredObject, start: int, stop: int) -> AsyncIterator[bytes]:
        """Yield `[start, stop)` in pieces; a copy that turns out bad is replaced on the way."""
        lease = await self.lease(stored, start, stop)
        try:
            for position, wanted in enumerate(lease.wanted):
                at = wanted.start
                while at < wanted.stop:
                    piece, skip = divmod(at, PIECE_BYTES)
                    end = min(wanted.stop, (piece + 1) * PIECE_BYTES)
                    data = await lease.look(position, piece)
                    is_all = skip == 0 and end - at == len(data)
                    yield data if is_all else data[skip : skip + end - at]
                    at = end
        finally:
            lease.release()

    def lease_now(self, stored: StoredObject, start: int, stop: int) -> DiskLease | None:
        """A lease of what is open already; None when something is not."""
        lease = DiskLease(self, locate(stored, start, stop))
        for wanted in lease.wanted:
            descriptor = self.descriptors.get((stored.object_id, stored.generation, wanted.index))
            if descriptor is None:
                lease.release()
                return None
            lease.add(descriptor)
        return lease

    async def lease(self, stored: StoredObject, start: int, stop: int) -> DiskLease:
        """Hold `[start, stop)` open. Raises as `read` does."""
        lease = DiskLease(self, locate(stored, start, stop))
        try:
            for wanted in lease.wanted:
                key = (stored.object_id, stored.generation, wanted.index)
                descriptor = self.descriptors.get(key)
                if descriptor is None:
                    descriptor = await self.open(key, wanted.size_bytes, set())
                lease.add(descriptor)
        except BaseException:
            lease.release()
            raise
        return lease

    def doubt(self, key: ExtentKey) -> None:
        """No new reader gets the file that is open now, and the upkeep looks at all copies."""
        self.descriptors.forget(key)
        self._volumes.doubt(extent_name(*key))

    async def look(self, descriptor: Descriptor, piece: int) -> Look | None:
        """Read a piece of a copy; None when it cannot be read."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, descriptor.vouched.look, piece)
        except OSError as error:
            self._volumes.fail(descriptor.volume, error)
            return None

    async def open(self, key: ExtentKey, size_bytes: int, bad: set[str]) -> Descriptor:
        """The best copy that is not on a `bad` volume. Raises NotFoundError, UnavailableError."""
        finding = asyncio.get_running_loop().run_in_executor(
            self._pool, self._find_copy, key, size_bytes, bad
        )
        try:
            copy = await asyncio.shield(finding)
        except asyncio.CancelledError:
            # The thread goes on, and nobody else would close what it opens.
            finding.add_done_callback(_close_found)
            raise
        return self.descriptors.add(key, copy)

    def _find_copy(self, key: ExtentKey, size_bytes: int, bad: set[str]) -> OpenCopy:
        found_bad, may_exist = bool(bad), False
        without: list[OpenVolume] = []
        for volume in self._volumes.for_reading(placement_key(*key)):
            if volume.name in bad:
                continue
            fd = self._open_copy(key, volume)
            may_exist = may_exist or volume.failure is not None
            if fd is None:
                without.append(volume)
                continue
            vouched = self._vouch(fd, key, volume, size_bytes)
            if vouched is not None:
                self._note_missed(key, without)
                return OpenCopy(fd, volume, vouched)
            os.close(fd)
            found_bad = True
        if found_bad or may_exist:
            raise UnavailableError(f"no copy of extent {key[2]} of {key[0]} can be read now")
        raise NotFoundError(f"no copy of extent {key[2]} of {key[0]} is left")

    def _note_missed(self, key: ExtentKey, without: list[OpenVolume]) -> None:
        """Tell of a working volume that has no copy of what is placed on it."""
        home = self._volumes.for_writing(placement_key(*key))[: self._copies]
        if any(volume in home for volume in without):
            self._volumes.note_missed(extent_name(*key))

    def _open_copy(self, key: ExtentKey, volume: OpenVolume) -> int | None:
        try:
            return os.open(volume.extent_path(extent_name(*key)), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._volumes.check(volume)
        except OSError as error:
            check_own(error)
            self._volumes.fail(volume, error)
        return None

    def _vouch(
        self, fd: int, key: ExtentKey, volume: OpenVolume, size_bytes: int
    ) -> Vouched | None:
        """What is known of an open copy; None, and doubt, when it is another extent or cut."""
        try:
            footer = read_footer(fd)
        except OSError as error:
            self._volumes.fail(volume, error)
            return None
        if footer is not None and (
            (footer.object_id, footer.generation, footer.index) == key
            and footer.size_bytes == size_bytes
        ):
            return Vouched(fd, footer.sums, size_bytes)
        self._volumes.doubt(extent_name(*key))
        return None

    def _close_fd(self, fd: int) -> None:
        # The last close of an unlinked file frees its blocks, which takes a while.
        try:
            self._pool.submit(os.close, fd)
        except RuntimeError:
            os.close(fd)


def _close_found(finding: asyncio.Future[OpenCopy]) -> None:
    if not finding.cancelled() and finding.exception() is None:
        os.close(finding.result().fd)

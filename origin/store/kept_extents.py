"""An extent on its way in that outlives the process: kept aside by name, found again, gone on with.

Unlike a copy in `.partial`, which a start sweeps away, a kept copy stays until it is assembled or
discarded. Decides which copies found on the volumes are as long, and as sound, as what the
caller remembers of them. Blocking; each extent is worked on by one thread at a time.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from cdnkit.errors import NotFoundError, UnavailableError
from origin.store.copies import Copy, GrowingExtent
from origin.store.extents import extent_name, placement_key
from origin.store.sums import PIECE_BYTES, PieceSums
from origin.store.volumes import OpenVolume, VolumeSet, check_own, sync_directory

KEPT_DIR: Final = ".kept"


def kept_path(volume: OpenVolume, name: str) -> str:
    """Where the copy of an extent of this name waits on a volume."""
    return f"{volume.root}/{KEPT_DIR}/{os.path.basename(name)}"


class KeptCopy(Copy):
    """A copy that stays. `kept_bytes`: how much of one found there counts; None begins anew."""

    def __init__(self, volume: OpenVolume, name: str, kept_bytes: int | None = None) -> None:
        self._name = name
        self._kept_bytes = kept_bytes
        self._is_named = kept_bytes is not None
        super().__init__(volume, name)

    def duplicate(self) -> int:
        """Another descriptor of the file, to be synced beside the writing; -1 when it is sealed."""
        return -1 if self.is_sealed else os.dup(self._fd)

    def sync_name(self) -> None:
        """Make the name durable."""
        if not self._is_named:
            sync_directory(os.path.dirname(self._path))
            self._is_named = True

    def vouch(self) -> None:
        """Make what was written durable: the copy that goes may have been so, and was told of."""
        os.fdatasync(self._fd)
        self.sync_name()

    def seal(self, footer: bytes, offset: int) -> None:
        """As of any copy; its name is made durable, too."""
        super().seal(footer, offset)
        self.sync_name()

    def let_go(self) -> None:
        """Close the file and leave it where it is."""
        with suppress(OSError):
            self._close()

    def _open(self) -> int:
        self._path = kept_path(self.volume, self._name)
        if self._kept_bytes is None:
            return self._begin()
        fd = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            size_bytes = os.fstat(fd).st_size
            if size_bytes < self._kept_bytes:
                raise OSError(errno.EIO, f"{self._path} has lost bytes written to it")
            os.ftruncate(fd, self._kept_bytes)
        except OSError:
            os.close(fd)
            raise
        self.volume.give_room(size_bytes - self._kept_bytes)
        self._size_bytes = self._kept_bytes
        return fd

    def _begin(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        try:
            fd = os.open(self._path, flags, 0o644)
        except FileNotFoundError:
            self.volume.check_mounted()
            # Parts side by side begin at the same time.
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            sync_directory(self.volume.root)
            fd = os.open(self._path, flags, 0o644)
        # What a crash left beyond the last durable state.
        self.volume.give_room(os.fstat(fd).st_size)
        os.ftruncate(fd, 0)
        return fd


class KeptExtent(GrowingExtent):
    """All copies of an extent whose writer may be suspended."""

    def _begin_copy(self, volume: OpenVolume) -> Copy:
        return KeptCopy(volume, self._name)

    def _forsake(self) -> None:
        self.let_go()

    def duplicates(self) -> list[tuple[KeptCopy, int]]:
        """A descriptor of each copy, for `sync_duplicates`."""
        found = []
        for copy in self._copies:
            assert isinstance(copy, KeptCopy)
            fd = copy.duplicate()
            if fd >= 0:
                found.append((copy, fd))
        return found

    def let_go(self) -> None:
        """Close all files and leave them where they are."""
        # A copy that was left because its volume is full may be the only one there is.
        for copy in self._copies + self._left:
            assert isinstance(copy, KeptCopy)
            copy.let_go()


def sync_duplicates(volumes: VolumeSet, duplicates: list[tuple[KeptCopy, int]]) -> None:
    """Make what was written durable. A volume that fails now is isolated; raises
    UnavailableError when no copy could be synced."""
    synced = not duplicates
    for copy, fd in duplicates:
        try:
            os.fdatasync(fd)
            copy.sync_name()
            synced = True
        except OSError as error:
            volumes.fail(copy.volume, error)
        finally:
            os.close(fd)
    if not synced:
        raise UnavailableError("no volume could make the bytes durable")


def take_up(
    volumes: VolumeSet,
    identity: tuple[str, int, int],
    copies: int,
    *,
    size_bytes: int,
    crc32c: int,
) -> KeptExtent:
    """Go on with the first `size_bytes` of an extent, if they are what they were.

    Raises NotFoundError, UnavailableError.
    """
    name = extent_name(*identity)
    held: list[KeptCopy] = []
    sums = PieceSums()
    try:
        for volume in volumes.for_reading(placement_key(*identity)):
            if volume.failure is None and len(held) < copies:
                found = _hold(volumes, volume, name, size_bytes, crc32c)
                if found is not None:
                    held.append(found[0])
                    sums = found[1]
    except UnavailableError:
        for copy in held:
            copy.let_go()
        raise
    if not held:
        if volumes.healthy_count() < len(volumes.volumes):
            raise UnavailableError(f"the unfinished bytes of {identity[0]} cannot be read now")
        raise NotFoundError(f"the unfinished bytes of {identity[0]} are lost")
    return KeptExtent(volumes, *identity, copies, held=held, size_bytes=size_bytes, sums=sums)


def kept_files(volumes: VolumeSet) -> Iterator[tuple[OpenVolume, str, os.stat_result]]:
    """Every kept copy on a working volume: volume, base name, status."""
    for volume in volumes.volumes:
        if volume.failure is not None:
            continue
        try:
            with os.scandir(volume.root / KEPT_DIR) as files:
                for file in files:
                    yield volume, file.name, file.stat()
        except FileNotFoundError:
            continue
        except OSError as error:
            volumes.fail(volume, error)


def drop(volume: OpenVolume, name: str) -> None:
    """Remove a kept copy; nothing happens when it is gone."""
    path = kept_path(volume, name)
    with suppress(OSError):
        status = os.stat(path)
        os.unlink(path)
        if status.st_nlink == 1:  # else the bytes go on as those of an object
            volume.give_room(status.st_size)


def _hold(
    volumes: VolumeSet, volume: OpenVolume, name: str, size_bytes: int, crc32c: int
) -> tuple[KeptCopy, PieceSums] | None:
    """The copy of a volume, if it is what it should be, and its checksums."""
    try:
        sums = _sum_up(kept_path(volume, name), size_bytes)
        if sums is not None and sums.whole == crc32c:
            return KeptCopy(volume, name, size_bytes), sums
    except FileNotFoundError:
        return None
    except OSError as error:
        check_own(error)
        if error.errno != errno.EIO:
            volumes.fail(volume, error)
    return None


def _sum_up(path: str, size_bytes: int) -> PieceSums | None:
    """The checksums of the first bytes of a file; None when there are not so many."""
    sums, at = PieceSums(), 0
    with open(path, "rb", buffering=0) as file:
        while at < size_bytes:
            piece = file.read(min(PIECE_BYTES, size_bytes - at))
            if not piece:
                return None
            sums.add(piece)
            at += len(piece)
    return sums

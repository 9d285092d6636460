"""One extent on its way to its volumes: written aside in R copies, synced, renamed.

Decides what happens when a volume fills up or fails in the middle: the copy moves to the next
ranked volume, made whole from what is already written. Blocking; each extent is worked on by one
thread at a time.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Sequence

from cdnkit.errors import StorageFullError, UnavailableError
from origin.store.crc32c import Piece
from origin.store.extents import Footer, extent_name, format_footer, placement_key
from origin.store.outlet import Outlet
from origin.store.sums import PIECE_BYTES, PieceSums
from origin.store.volumes import (
    FULL_ERRNOS,
    OWN_ERRNOS,
    OpenVolume,
    VolumeSet,
    sync_directory,
)

log = logging.getLogger(__name__)


class Copy:
    """One copy of an extent in the making. All methods but `remove` raise OSError."""

    def __init__(self, volume: OpenVolume, name: str) -> None:
        self.volume = volume
        self.final_path = volume.extent_path(name)
        self._path = volume.partial_path(name)
        self._size_bytes = 0
        self._fd = self._open()
        self._outlet = Outlet(self._fd)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)

    @property
    def is_sealed(self) -> bool:
        """Whether the copy is whole and durable."""
        return self._fd < 0

    def put(self, piece: Piece, offset: int) -> None:
        """Write all of `piece` at `offset`."""
        self.volume.take_room(len(piece))
        self._size_bytes += len(piece)
        self._outlet.put(piece, offset)

    def get(self, offset: int, size_bytes: int) -> bytes:
        """Read back what was written."""
        fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.pread(fd, size_bytes, offset)
        finally:
            os.close(fd)
        if len(data) < size_bytes:
            raise OSError(errno.EIO, f"{self._path} has lost bytes written to it")
        return data

    def seal(self, footer: bytes, offset: int) -> None:
        """Write the footer and make the file durable; nothing can be added afterwards."""
        self.put(footer, offset)
        os.fsync(self._fd)
        self._close()

    def publish(self) -> str:
        """Move the file to its place; returns the directory whose names still need syncing."""
        directory = os.path.dirname(self.final_path)
        if not os.path.isdir(directory):
            os.makedirs(directory, exist_ok=True)
            sync_directory(os.path.dirname(directory))
        os.rename(self._path, self.final_path)
        self._path = self.final_path
        return directory

    def remove(self) -> None:
        """Leave no trace, wherever the file lies by now."""
        try:
            self._close()
            os.unlink(self._path)
        except OSError:
            pass
        self.volume.give_room(self._size_bytes)

    def _close(self) -> None:
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)


class GrowingExtent:
    """All copies of one extent while it is written.

    Every method but `remove` raises StorageFullError when fewer copies than wanted find room, and
    UnavailableError when no volume works. Fewer *working* volumes than copies are put up with.
    `held` are copies of its first `size_bytes` bytes, whose checksums are `sums`, that it goes on
    with.
    """

    def __init__(
        self,
        volumes: VolumeSet,
        object_id: str,
        generation: int,
        index: int,
        copies: int,
        *,
        held: Sequence[Copy] = (),
        size_bytes: int = 0,
        sums: PieceSums | None = None,
    ) -> None:
        self.size_bytes = size_bytes
        self._sums = sums or PieceSums()
        self._volumes = volumes
        self._identity = (object_id, generation, index)
        self._name = extent_name(object_id, generation, index)
        self._wanted = copies
        self._copies: list[Copy] = list(held)
        self._left: list[Copy] = []
        self._shunned: set[str] = set()
        self._found_full = False
        self._fill_up(size_bytes, b"")

    @property
    def crc32c(self) -> int:
        """The checksum of all bytes so far."""
        return self._sums.whole

    def put(self, piece: Piece) -> None:
        """Append to every copy."""
        start = self.size_bytes
        for copy in list(self._copies):
            try:
                copy.put(piece, start)
            except OSError as error:
                self._leave(copy, error)
        self._fill_up(start, piece)
        self._sums.add(piece)
        self.size_bytes += len(piece)

    def seal(self) -> None:
        """Make every copy whole and durable."""
        footer = format_footer(Footer(*self._identity, self.size_bytes, self._sums.pieces))
        while unsealed := [copy for copy in self._copies if not copy.is_sealed]:
            for copy in unsealed:
                try:
                    copy.seal(footer, self.size_bytes)
                except OSError as error:
                    self._leave(copy, error)
            self._fill_up(self.size_bytes, b"")

    def publish(self) -> set[tuple[OpenVolume, str]]:
        """Move every copy to its place; returns the directories whose names need syncing.

        A volume that fails now costs its copy.
        """
        changed: set[tuple[OpenVolume, str]] = set()
        for copy in list(self._copies):
            try:
                changed.add((copy.volume, copy.publish()))
            except OSError as error:
                self._leave(copy, error)
        self.check_held()
        if len(self._copies) < self._wanted:
            self._volumes.note_degraded()
        return changed

    def check_held(self) -> None:
        """Raise UnavailableError unless a copy is on a working volume."""
        if all(copy.volume.failure is not None for copy in self._copies):
            raise UnavailableError("the volumes failed while the object was written")

    def remove(self) -> None:
        """Leave no trace of any copy."""
        for copy in self._copies + self._left:
            copy.remove()
        self._copies, self._left = [], []

    def _leave(self, copy: Copy, error: OSError) -> None:
        self._copies.remove(copy)
        self._left.append(copy)
        self._blame(copy.volume, error)

    def _blame(self, volume: OpenVolume, error: OSError) -> None:
        if error.errno in OWN_ERRNOS:
            raise UnavailableError(f"out of descriptors or memory: {error}") from error
        self._shunned.add(volume.name)
        if error.errno in FULL_ERRNOS:
            self._found_full = True
        else:
            self._volumes.fail(volume, error)

    def _fill_up(self, size_bytes: int, tail: Piece) -> None:
        """Make the copies that are wanting, of the first `size_bytes` written and `tail`."""
        while len(self._copies) < self._wanted:
            volume = self._next_volume()
            if volume is None:
                break
            self._make_copy(volume, size_bytes, tail)
        if len(self._copies) < self._wanted and self._found_full:
            raise StorageFullError("no volume has room for another copy")
        if not self._copies:
            raise UnavailableError("no volume works")
        for copy in self._left:
            copy.remove()
        self._left = []

    def _next_volume(self) -> OpenVolume | None:
        used = self._shunned | {copy.volume.name for copy in self._copies}
        order = self._volumes.for_writing(placement_key(*self._identity))
        return next((volume for volume in order if volume.name not in used), None)

    def _begin_copy(self, volume: OpenVolume) -> Copy:
        return Copy(volume, self._name)

    def _make_copy(self, volume: OpenVolume, size_bytes: int, tail: Piece) -> None:
        try:
            made = self._begin_copy(volume)
        except OSError as error:
            self._blame(volume, error)
            return
        try:
            for at in range(0, size_bytes, PIECE_BYTES):
                made.put(self._read_back(at, min(PIECE_BYTES, size_bytes - at)), at)
            made.put(tail, size_bytes)
        except OSError as error:
            made.remove()
            self._blame(volume, error)
            return
        except UnavailableError:
            made.remove()
            raise
        self._copies.append(made)

    def _read_back(self, offset: int, size_bytes: int) -> bytes:
        for source in self._copies + self._left:
            try:
                return source.get(offset, size_bytes)
            except OSError as error:
                log.warning("a copy in the making cannot be read: %s", error)
        raise UnavailableError("the volumes failed while the object was written")

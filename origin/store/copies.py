"""One extent on its way to its volumes: written aside in R copies, synced, renamed.

Decides what happens when a volume fills up or fails in the middle: the copy moves to the next
ranked volume, made whole from what is already written. Blocking; several threads may `put_at`, all
else is for one thread at a time.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from cdnkit.errors import StorageFullError, UnavailableError
from origin.store.crc32c import Piece, extend_crc32c
from origin.store.extents import (
    Footer,
    extent_name,
    footer_bytes,
    format_footer,
    placement_key,
)
from origin.store.outlet import Outlet
from origin.store.setting_aside import set_aside
from origin.store.shared_lock import SharedLock
from origin.store.sums import PIECE_BYTES, PieceSums
from origin.store.volumes import (
    FULL_ERRNOS,
    OpenVolume,
    VolumeSet,
    check_own,
    sync_directory,
)

log = logging.getLogger(__name__)


class Copy:
    """One copy of an extent in the making. All methods but `remove` raise OSError.

    `planned_bytes`: how long the file is going to be, 0 when nobody knows.
    """

    def __init__(self, volume: OpenVolume, name: str, planned_bytes: int = 0) -> None:
        self.volume = volume
        self.final_path = volume.extent_path(name)
        self._path = volume.partial_path(name)
        self._size_bytes = 0
        self._planned_bytes = 0
        self._counting = threading.Lock()
        self._fd = self._open()
        self._outlet = Outlet(self._fd)
        if planned_bytes:
            try:
                self._set_aside(planned_bytes)
            except OSError:
                self.remove()
                raise

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)

    def _set_aside(self, planned_bytes: int) -> None:
        self.volume.take_room(planned_bytes)
        self._size_bytes = planned_bytes
        if set_aside(self._fd, planned_bytes):
            self._planned_bytes = planned_bytes
        else:
            self.volume.give_room(planned_bytes)
            self._size_bytes = 0

    @property
    def is_sealed(self) -> bool:
        """Whether the copy is whole and durable."""
        return self._fd < 0

    def put(self, piece: Piece, offset: int) -> None:
        """Write all of `piece` at `offset`."""
        more_bytes = min(len(piece), offset + len(piece) - self._planned_bytes)
        if more_bytes > 0:
            self.volume.take_room(more_bytes)
            with self._counting:
                self._size_bytes += more_bytes
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

    def vouch(self) -> None:
        """Stand in for a copy that goes: nothing to do for one that no crash survives."""

    def seal(self, footer: bytes, offset: int) -> None:
        """Write the footer and make the file durable; nothing can be added afterwards."""
        self.put(footer, offset)
        self._cut(offset + len(footer))
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
        with suppress(OSError):
            self._close()
        with suppress(OSError):
            os.unlink(self._path)
        self.volume.give_room(self._size_bytes)

    def _cut(self, size_bytes: int) -> None:
        """Give back what was set aside beyond the end."""
        more_bytes = self._planned_bytes - size_bytes
        if more_bytes > 0:
            os.ftruncate(self._fd, size_bytes)
            self._size_bytes -= more_bytes
            self.volume.give_room(more_bytes)

    def _close(self) -> None:
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            try:
                self._outlet.close()
            finally:
                os.close(fd)


class _Part(NamedTuple):
    """What is written of a mebibyte, or of less."""

    start: int
    crc32c: int
    size_bytes: int


class GrowingExtent:
    """All copies of one extent while it is written.

    Every method but `remove` raises StorageFullError when fewer copies than wanted find room, and
    UnavailableError when no volume works. Fewer *working* volumes than copies are put up with.
    `held` are copies of its first `size_bytes` bytes, whose checksums are `sums`, that it goes on
    with. `planned_bytes`: how many bytes it is going to have, None when nobody knows.
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
        planned_bytes: int | None = None,
    ) -> None:
        self.size_bytes = size_bytes
        self._sums = sums or PieceSums()
        self._volumes = volumes
        self._identity = (object_id, generation, index)
        self._name = extent_name(object_id, generation, index)
        self._wanted = copies
        self._file_bytes = 0
        if planned_bytes is not None and planned_bytes > PIECE_BYTES:
            self._file_bytes = planned_bytes + footer_bytes(object_id, planned_bytes)
        self._copies: list[Copy] = list(held)
        self._left: list[Copy] = []
        self._shunned: set[str] = set()
        self._found_full = False
        self._written = [
            _Part(index * PIECE_BYTES, crc32c, min(PIECE_BYTES, size_bytes - index * PIECE_BYTES))
            for index, crc32c in enumerate(self._sums.pieces)
        ]
        self._copying = SharedLock()
        self._noting = threading.Lock()
        self._to_come = 0
        self._on_written: Callable[[], object] | None = None
        try:
            self._fill_up()
        except BaseException:
            self._forsake()
            raise

    @property
    def crc32c(self) -> int:
        """The checksum of all bytes, once they are written."""
        return self._sums.whole

    def put(self, piece: Piece) -> None:
        """Append to every copy."""
        self.put_at(self.allot(len(piece)), piece)

    def allot(self, size_bytes: int) -> int:
        """Where the next piece goes: to be put there, by any thread, unless all is given up."""
        start = self.size_bytes
        self.size_bytes += size_bytes
        with self._noting:
            self._to_come += 1
        return start

    def put_at(self, start: int, piece: Piece) -> None:
        """Write what was allotted, to every copy."""
        parts = _parts_of(start, piece)
        done: set[Copy] = set()
        while (failed := self._put_everywhere(start, piece, parts, done)) is not None:
            # Now nobody writes. A copy that is made gets all that is written; who is not done
            # with his piece writes that to it himself.
            with self._copying.alone():
                for copy, error in failed.items():
                    if copy in self._copies:  # others may have met the same
                        self._leave(copy, error)
                self._fill_up()

    def when_written(self, tell: Callable[[], object]) -> None:
        """Nothing more is allotted: `tell` once, here or in a thread, when all is written."""
        with self._noting:
            is_written = not self._to_come
            self._on_written = tell
        if is_written:
            tell()

    def seal(self) -> None:
        """Make every copy whole and durable."""
        footer = format_footer(Footer(*self._identity, self.size_bytes, self._sums.pieces))
        while unsealed := [copy for copy in self._copies if not copy.is_sealed]:
            for copy in unsealed:
                try:
                    copy.seal(footer, self.size_bytes)
                except OSError as error:
                    self._leave(copy, error)
            self._fill_up()

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
        self._remove_left()
        return changed

    def check_held(self) -> None:
        """Raise UnavailableError unless a copy is on a working volume."""
        if all(copy.volume.failure is not None for copy in self._copies):
            raise UnavailableError("the volumes failed while the object was written")

    def remove(self) -> None:
        """Leave no trace of any copy."""
        for copy in self._copies:
            copy.remove()
        self._copies = []
        self._remove_left()

    def _forsake(self) -> None:
        """Let go of copies of an extent that could not be begun: nobody else knows of them."""
        self.remove()

    def _remove_left(self) -> None:
        for copy in self._left:
            copy.remove()
        self._left = []

    def _put_everywhere(
        self, start: int, piece: Piece, parts: list[_Part], done: set[Copy]
    ) -> dict[Copy, OSError] | None:
        """Write to every copy that is not done; None when all are, else what has failed."""
        failed: dict[Copy, OSError] = {}
        with self._copying.shared():
            for copy in self._copies:
                if copy not in done:
                    try:
                        copy.put(piece, start)
                        done.add(copy)
                    except OSError as error:
                        failed[copy] = error
            if failed or not self._copies:
                return failed
            self._note(parts)
        return None

    def _note(self, parts: list[_Part]) -> None:
        with self._noting:
            self._written += parts
            for part in parts:
                self._sums.place(*part)
            self._to_come -= 1
            tell = None if self._to_come else self._on_written
        if tell is not None:
            tell()

    def _leave(self, copy: Copy, error: OSError) -> None:
        self._copies.remove(copy)
        self._left.append(copy)
        self._blame(copy.volume, error)

    def _blame(self, volume: OpenVolume, error: OSError) -> None:
        # Others who write meanwhile go on: not with the volume that still has what is left.
        self._shunned.add(volume.name)
        check_own(error)
        if error.errno in FULL_ERRNOS:
            self._found_full = True
        else:
            self._volumes.fail(volume, error)

    def _fill_up(self) -> None:
        """Make the copies that are wanting, of what is written."""
        while len(self._copies) < self._wanted:
            volume = self._next_volume()
            if volume is None:
                break
            self._make_copy(volume)
        if len(self._copies) < self._wanted and self._found_full:
            raise StorageFullError("no volume has room for another copy")
        if not self._copies:
            raise UnavailableError("no volume works")
        self._remove_left()

    def _next_volume(self) -> OpenVolume | None:
        used = self._shunned | {copy.volume.name for copy in self._copies}
        order = self._volumes.for_writing(placement_key(*self._identity))
        return next((volume for volume in order if volume.name not in used), None)

    def _begin_copy(self, volume: OpenVolume) -> Copy:
        return Copy(volume, self._name, self._file_bytes)

    def _make_copy(self, volume: OpenVolume) -> None:
        try:
            made = self._begin_copy(volume)
        except OSError as error:
            self._blame(volume, error)
            return
        try:
            for part in self._written:
                made.put(self._read_back(part), part.start)
            if self._written:
                made.vouch()
        except OSError as error:
            made.remove()
            self._blame(volume, error)
            return
        except UnavailableError:
            made.remove()
            raise
        self._copies.append(made)

    def _read_back(self, part: _Part) -> bytes:
        """What a disk that failed gives may be what was there before, as zeros set aside."""
        for source in self._copies + self._left:
            try:
                data = source.get(part.start, part.size_bytes)
            except OSError as error:
                log.warning("a copy in the making cannot be read: %s", error)
                continue
            if extend_crc32c(0, data) == part.crc32c:
                return data
            log.warning("a copy in the making has lost bytes: volume %s", source.volume.name)
        raise UnavailableError("the volumes failed while the object was written")


def _parts_of(start: int, piece: Piece) -> list[_Part]:
    """The parts of `piece` that end where mebibytes end."""
    found = []
    while piece:
        part = piece[: PIECE_BYTES - start % PIECE_BYTES]
        found.append(_Part(start, extend_crc32c(0, part), len(part)))
        start += len(part)
        piece = piece[len(part) :]
    return found

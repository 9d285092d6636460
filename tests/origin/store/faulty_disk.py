"""Disks that fail by chance while they are written to: in the middle of a write, of a sync, in what
they said was written, and in any order of threads."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from origin.store import copies
from origin.store.setting_aside import set_aside

_ERRORS: Final = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.ENOMEM)


class FaultyDisk:
    """Stands in for what `os` does to the files of extents below `root`.

    `to_blame`: the volumes that failed and were not just full.
    """

    def __init__(self, root: Path, rng: random.Random, rate: float) -> None:
        self._root = str(root)
        self._rng = rng
        self._rate = rate
        self._pwrite, self._fsync = os.pwrite, os.fsync
        self._open, self._rename = os.open, os.rename
        self._set_aside = set_aside
        self.to_blame: set[str] = set()

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Fail from here on."""
        with pytest.MonkeyPatch.context() as patch:
            for name in ("pwrite", "fsync", "open", "rename"):
                patch.setattr(os, name, getattr(self, name))
            patch.setattr(copies, "set_aside", self.set_aside)
            yield

    def pwrite(self, fd: int, data: Any, offset: int) -> int:
        """Some writes are late, some short, and some fail after a part."""
        if path := self._extent_path(fd):
            for _ in range(self._rng.randrange(20)):
                os.sched_yield()
            blocks_bytes = self._rng.randrange(1 + len(data) // 4096) * 4096
            if self._is_bad(self._rate):
                self._pwrite(fd, bytes(data[:blocks_bytes]), offset)
                raise self._error(path)
            if blocks_bytes and self._is_bad(0.1):
                return self._pwrite(fd, data[:blocks_bytes], offset)
        return self._pwrite(fd, data, offset)

    def fsync(self, fd: int) -> None:
        """A sync that fails may have lost what was written."""
        path = self._extent_path(fd)
        if path and self._is_bad(3 * self._rate):
            size_bytes = os.fstat(fd).st_size
            at = self._rng.randrange(1 + size_bytes)
            self._pwrite(fd, bytes(min(4096, size_bytes - at)), at)
            raise self._error(path)
        self._fsync(fd)

    def open(self, path: str, flags: int, mode: int = 0o777) -> int:
        """Files cannot be begun, or looked at again."""
        if self._is_bad(self._rate) and f"{path}".startswith(f"{self._root}/v"):
            raise self._error(path)
        return self._open(path, flags, mode)

    def rename(self, source: str, target: str) -> None:
        """Files get no place."""
        if self._is_bad(self._rate) and "/.partial/" in str(source):
            raise self._error(source)
        self._rename(source, target)

    def set_aside(self, fd: int, size_bytes: int) -> bool:
        """No room for all of it, some of it being taken; or not offered."""
        if self._is_bad(3 * self._rate):
            self._set_aside(fd, 1 + size_bytes // 2)
            raise OSError(errno.ENOSPC, "No space left on device")
        return not self._is_bad(0.1) and self._set_aside(fd, size_bytes)

    def _extent_path(self, fd: int) -> str:
        """Of the file that is open there; nothing when it is no extent's."""
        path = os.readlink(f"/proc/self/fd/{fd}")
        return path if path.startswith(self._root) and "/.partial/" in path else ""

    def _is_bad(self, rate: float) -> bool:
        return self._rng.random() < rate

    def _error(self, path: str) -> OSError:
        why = self._rng.choice(_ERRORS)
        if why in (errno.EIO, errno.EROFS):
            self.to_blame.add(Path(path).relative_to(self._root).parts[0])
        return OSError(why, os.strerror(why))

"""Disks that are slow: calls of a process to what lies in one directory take longer.

The functions of `os` are replaced before anything is imported, as the clock is. Calls that open,
rename, remove, list or sync wait wherever they are made; those that read or write wait in threads
only, because what the serving thread asks for itself is in the page cache. What is written in C
(databases, `open`) is as fast as ever.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, Final

_NUMBER: Final = struct.Struct("d")
_BY_PATH: Final = (
    *("link", "listdir", "mkdir", "open", "remove", "rename", "replace", "rmdir", "scandir"),
    *("statvfs", "unlink"),
)
_BY_FILE: Final = ("fdatasync", "fsync")
_FROM_CACHE: Final = ("pread", "preadv", "pwrite", "pwritev", "read", "write")

Call = Callable[..., Any]


class SlowCalls:
    """Of this process. Without a file to follow nothing is slow."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._seconds: mmap.mmap | None = None
        self._folder = "\0"
        self._files: set[int] = set()

    def install(self) -> None:
        """Replace the functions of `os`."""
        for name in _BY_PATH:
            setattr(os, name, self._by_path(getattr(os, name), notes=name == "open"))
        for name in (*_BY_FILE, *_FROM_CACHE):
            call = self._by_file(getattr(os, name), in_threads=name in _FROM_CACHE)
            setattr(os, name, call)
        os.close = self._closing(os.close)

    def follow(self, path: str, folder: str) -> None:
        """Take the seconds in a file from now on, for everything in a folder."""
        with open(path, "rb") as file:
            self._seconds = mmap.mmap(file.fileno(), _NUMBER.size, access=mmap.ACCESS_READ)
        self._folder = folder.rstrip("/") + "/"

    def _wait(self) -> None:
        assert self._seconds is not None
        seconds = _NUMBER.unpack_from(self._seconds)[0]
        if seconds > 0:
            self._sleep(seconds)

    def _by_path(self, original: Call, *, notes: bool) -> Call:
        def call(path: Any = ".", *args: Any, **more: Any) -> Any:
            is_ours = isinstance(path, str | os.PathLike) and os.fspath(path).startswith(
                self._folder
            )
            if is_ours:
                self._wait()
            made = original(path, *args, **more)
            if notes and is_ours:
                self._files.add(made)
            return made

        return call

    def _by_file(self, original: Call, *, in_threads: bool) -> Call:
        def call(file: Any, *args: Any, **more: Any) -> Any:
            if file in self._files and not (
                in_threads and threading.current_thread() is threading.main_thread()
            ):
                self._wait()
            return original(file, *args, **more)

        return call

    def _closing(self, original: Call) -> Call:
        def close(file: int) -> None:
            self._files.discard(file)
            original(file)

        return close

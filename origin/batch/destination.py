"""Where snapshots are kept: one small contract, and the folder that is its default body.

A file appears whole under its name or not at all: it is written aside and renamed. Paths are
relative, with slashes. HDFS is the other body (`origin.batch.hdfs`); which one a text means is
decided by `open_destination`.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

from cdnkit.errors import BadRequestError, NotFoundError, StorageFullError, UnavailableError

CHUNK_BYTES: Final = 1024 * 1024
PARTIAL: Final = ".partial"
"""Ends the name of what is not whole yet. Engines that read whole folders pass over it too, because
they are given names of files."""


class Destination(Protocol):
    """Files by name. All calls raise UnavailableError where the place does not answer."""

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write or replace a file, as a whole. Raises StorageFullError."""

    def read(self, path: str) -> Iterator[bytes]:
        """The bytes of a file, in order. Raises NotFoundError."""

    def size_bytes(self, path: str) -> int | None:
        """How long a file is; None when there is none."""

    def names(self, path: str) -> list[str]:
        """Names of the files and folders in a folder, sorted; none where there is no folder."""

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all in it; nothing happens where there is none."""

    def url(self, path: str) -> str:
        """How an engine that reads this place by itself is told of a file."""


class Folder:
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        target = self._root / path
        aside = target.with_name(target.name + PARTIAL)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with aside.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(target)
            _sync_folder(target.parent)
        except OSError as error:
            is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            kind = StorageFullError if is_full else UnavailableError
            raise kind(f"cannot write {target}: {error.strerror}") from error

    def read(self, path: str) -> Iterator[bytes]:
        try:
            with (self._root / path).open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no file {self._root / path}") from error
        except OSError as error:
            raise UnavailableError(f"cannot read {self._root / path}: {error.strerror}") from error

    def size_bytes(self, path: str) -> int | None:
        try:
            return (self._root / path).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def names(self, path: str) -> list[str]:
        try:
            return sorted(each.name for each in (self._root / path).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def remove(self, path: str) -> None:
        target = self._root / path
        try:
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)
        except OSError as error:
            raise UnavailableError(f"cannot remove {target}: {error.strerror}") from error

    def url(self, path: str) -> str:
        return str((self._root / path).resolve())


def _sync_folder(folder: Path) -> None:
    """A rename outlives a power cut only once the folder is on disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_destination(text: str) -> Destination:
    """The place that `text` names: a folder, or `hdfs://host:port/path`.

    Raises BadRequestError, UnavailableError.
    """
    scheme, found, _ = text.partition("://")
    if not found:
        return Folder(Path(text))
    if scheme != "hdfs":
        raise BadRequestError(f"{text!r}: give a folder, or hdfs://host:port/path")
    try:
        from origin.batch.hdfs import open_hdfs
    except ModuleNotFoundError as error:
        raise UnavailableError(f"{error.name} is missing: pip install 'cinedge[hdfs]'") from error
    return open_hdfs(text)

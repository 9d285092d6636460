"""Takes the files of a package on disk, as the origin would."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO


class Folder:
    """An output whose files lie in a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: list[str] = []
        self.done: list[float] = []
        self._file: BinaryIO | None = None
        self._size_bytes = 0

    def create(self, name: str, size_bytes: int) -> None:
        """Begin a file."""
        assert self._file is None
        self.names.append(name)
        self._size_bytes = size_bytes
        self._file = (self.path / name).open("wb")

    def write(self, data: bytes) -> None:
        """More of it."""
        assert self._file is not None
        self._file.write(data)

    def end(self) -> None:
        """It is whole."""
        assert self._file is not None
        assert self._file.tell() == self._size_bytes
        self._file.close()
        self._file = None

    def progress(self, done: float) -> None:
        """How far everything is."""
        self.done.append(done)

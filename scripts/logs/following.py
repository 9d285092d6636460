"""What was appended to a file since the last look, across rotations, in whole lines.

A file that is renamed away is read to its end before its successor is begun; one that became
shorter was emptied, and is read from its start.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Final

LOOK_BACK_BYTES: Final = 8 << 20


class Tail:
    """Reads the lines of `path` from at most `look_back_bytes` before its end on."""

    def __init__(self, path: Path, look_back_bytes: int = 0) -> None:
        self.path = path
        self._look_back_bytes = look_back_bytes
        self._file: IO[bytes] | None = None
        self._rest = b""
        self._first = True

    def lines(self) -> list[str]:
        """Whole lines that came since the last call. A file that is not there has none."""
        lines = self._new_lines()
        if self._is_replaced():
            # What was written between the two looks belongs to the old file's end.
            lines += self._new_lines()
            self.close()
            lines += self._new_lines()
        return lines

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._rest = b""

    def _new_lines(self) -> list[str]:
        if self._file is None and not self._open():
            return []
        assert self._file is not None
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            self._file.seek(0)
            self._rest = b""
        *whole, self._rest = (self._rest + self._file.read()).split(b"\n")
        return [line.decode("utf-8", "replace") for line in whole]

    def _open(self) -> bool:
        try:
            self._file = open(self.path, "rb")  # noqa: SIM115
        except OSError:
            self._first = False
            return False
        size = os.fstat(self._file.fileno()).st_size
        # Only the file that stood there at first has a past that was not asked for.
        if self._first and size > self._look_back_bytes:
            self._file.seek(size - self._look_back_bytes)
            if self._look_back_bytes:
                self._file.readline()
        self._first = False
        return True

    def _is_replaced(self) -> bool:
        if self._file is None:
            return False
        try:
            there = os.stat(self.path)
        except OSError:
            return False
        return not os.path.samestat(there, os.fstat(self._file.fileno()))

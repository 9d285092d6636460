"""Lines of a trace file. What ends in `.zst` is read through the program zstd, `.gz` directly."""

from __future__ import annotations

import contextlib
import gzip
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from scripts.cli.errors import FailedError


@contextlib.contextmanager
def open_lines(path: Path) -> Iterator[IO[str]]:
    """The file as text. Raises FailedError, also at the end when it was cut short."""
    try:
        if path.suffix == ".zst":
            with _zstd(path) as lines:
                yield lines
        elif path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                yield lines
        else:
            with open(path, encoding="utf-8") as lines:
                yield lines
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise FailedError(f"{path}: cannot be read: {error}") from error


@contextlib.contextmanager
def _zstd(path: Path) -> Iterator[IO[str]]:
    if not path.is_file():
        raise FailedError(f"{path}: there is no such file")
    command = ["zstd", "-dcq", "--", str(path)]
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
        )
    except FileNotFoundError as error:
        raise FailedError(
            f"{path}: reading it takes the program zstd; install it, or unpack the file first"
        ) from error
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        yield process.stdout
        complaint = process.stderr.read().strip()
        if process.wait():
            raise FailedError(f"{path}: {complaint or 'zstd failed'}")

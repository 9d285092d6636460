"""Lines of a text file, compressed or not.

`.gz` is read by Python itself; `.zst` by pyarrow where it is installed, else by the `zstd` program,
because Python before 3.14 has no reader of its own.
"""

from __future__ import annotations

import gzip
import importlib
import io
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from scripts.cli.errors import FailedError, UsageError


def read_lines(file: Path) -> Iterator[str]:
    """Every line. Raises UsageError for a file that cannot be read here, FailedError on the way."""
    try:
        with _opened(file) as source:
            yield from io.TextIOWrapper(source, encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FailedError(f"{file} is not UTF-8 text: {error.reason}") from error
    except (OSError, EOFError) as error:
        raise FailedError(f"{file}: {getattr(error, 'strerror', None) or error}") from error


def _opened(file: Path) -> Any:
    if not file.is_file():
        raise UsageError(f"{file} is not a file")
    if file.suffix == ".gz":
        return gzip.open(file)
    if file.suffix == ".zst":
        return _zstd(file)
    return file.open("rb")


def _zstd(file: Path) -> Any:
    try:
        arrow: Any = importlib.import_module("pyarrow")
    except ImportError:
        return _by_program(file)
    return arrow.CompressedInputStream(str(file), "zstd")


@contextmanager
def _by_program(file: Path) -> Iterator[IO[bytes]]:
    program = shutil.which("zstd")
    if program is None:
        raise UsageError(f"{file}: install zstd, or pyarrow, or unpack it first")
    with subprocess.Popen([program, "-dcq", str(file)], stdout=subprocess.PIPE) as unpacking:
        assert unpacking.stdout is not None
        yield unpacking.stdout
        if unpacking.wait():
            raise FailedError(f"{file}: zstd could not unpack it")

"""Disks that fill up and directories that break.

A disk is small because it is a file system in memory, which only root can mount: `can_be_small`
says whether that works here.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

DISK_BYTES: Final = 64 * 1024 * 1024
_BALLAST: Final = "ballast"


@contextlib.contextmanager
def small_disk(directory: Path, size_bytes: int = DISK_BYTES) -> Iterator[None]:
    """`directory` is a small file system inside the block; nobody may use it at the end."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "scenario", str(directory)]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True, capture_output=True)


@cache
def can_be_small() -> bool:
    """Whether a small disk can be had on this machine."""
    with tempfile.TemporaryDirectory() as directory:
        try:
            with small_disk(Path(directory), 1024 * 1024):
                return True
        except (OSError, subprocess.CalledProcessError):
            return False


def fill(directory: Path) -> None:
    """Take all space that is left, however little."""
    with (directory / _BALLAST).open("ab", buffering=0) as file:
        piece = bytes(1024 * 1024)
        while piece:
            try:
                file.write(piece)
            except OSError:
                piece = piece[: len(piece) // 2]


def make_room(directory: Path) -> None:
    """Give the space back."""
    (directory / _BALLAST).unlink()


def break_directory(directory: Path) -> None:
    """Put a file where the directory was."""
    directory.rename(_aside(directory))
    directory.touch()


def mend_directory(directory: Path) -> None:
    """Put the directory back, with what it held."""
    os.unlink(directory)
    _aside(directory).rename(directory)


def _aside(directory: Path) -> Path:
    return directory.with_name(directory.name + ".aside")

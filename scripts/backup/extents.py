"""Extents on their way between volumes and the folder of backups, compared with their checksums.

A copy counts only when the bytes that were written are those that the catalog vouches for; an
interrupted one leaves nothing that looks whole.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from origin.store.crc32c import extend_crc32c
from origin.store.extents import Footer, read_footer
from origin.store.sums import PIECE_BYTES
from origin.store.volumes import OpenVolume, sync_directory
from scripts.backup.folder import only_one

LINKS: Final = ".backup"
"""Directory of a volume in which a backup holds on to extents that may be replaced meanwhile."""

_LOCK: Final = ".backup.lock"


class Holding:
    """Second names for extents of some volumes, so that what is deleted stays until it is copied.

    The sweeper leaves replaced bytes for an hour; copying a store takes longer than that.
    """

    def __init__(self, volumes: Iterable[OpenVolume]) -> None:
        self._volumes = tuple(volumes)

    def hold(self, name: str) -> list[Path]:
        """Names of this extent that stay, one for each volume that has it. Raises OSError."""
        held = []
        for volume in self._volumes:
            link = volume.root / LINKS / os.path.basename(name)
            with suppress(FileNotFoundError):
                with suppress(FileExistsError):
                    os.link(volume.extent_path(name), link)
                held.append(link)
        return held

    def release(self, held: Iterable[Path]) -> None:
        """Let go of one extent, whose names `hold` gave."""
        for link in held:
            link.unlink(missing_ok=True)

    def begin(self) -> None:
        """Forget what a backup that was killed has held. Raises OSError."""
        self.end()
        for volume in self._volumes:
            (volume.root / LINKS).mkdir(mode=0o700)

    def end(self) -> None:
        """Let go of everything."""
        for volume in self._volumes:
            shutil.rmtree(volume.root / LINKS, ignore_errors=True)


@contextmanager
def holding(volumes: Iterable[OpenVolume]) -> Iterator[Holding]:
    """A Holding of the working volumes that ends with the block. Raises ConflictError, OSError."""
    working = [volume for volume in volumes if volume.failure is None]
    with ExitStack() as locks:
        for volume in working:
            # Another backup would take what this one holds for what a killed one has left.
            locks.enter_context(only_one(volume.root / _LOCK, f"the volume {volume.name}"))
        held = Holding(working)
        held.begin()
        try:
            yield held
        finally:
            held.end()


def copy_extent(sources: Iterable[Path], target: Path, crc32c: int, aside: Path) -> int | None:
    """Write the first source whose bytes have that checksum to `target`; how many bytes.

    Written to `aside` first, and renamed. None when no source has them. Raises OSError when it
    cannot be written.
    """
    for source in sources:
        try:
            reader = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            size_bytes = _copy(reader, aside, crc32c)
        finally:
            os.close(reader)
        if size_bytes is not None:
            os.replace(aside, target)
            return size_bytes
    aside.unlink(missing_ok=True)
    return None


def is_whole(path: Path, crc32c: int) -> bool:
    """Whether an extent file is there with these bytes. Reads all of it."""
    try:
        reader = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        footer = read_footer(reader)
        return footer is not None and _sum(reader, footer, None) == crc32c
    except OSError:
        return False
    finally:
        os.close(reader)


def content_of(path: Path) -> Iterator[bytes]:
    """The bytes of an extent file without its footer.

    Raises OSError; without a number for one that is cut short or has other checksums.
    """
    reader = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        footer = read_footer(reader)
        if footer is None:
            raise OSError(f"{path} is cut short")
        yield from _pieces(reader, footer)
    finally:
        os.close(reader)


def sync_names(files: Iterable[Path]) -> None:
    """Make the names of these files durable. Raises OSError."""
    for folder in {path.parent for path in files}:
        sync_directory(folder)


def _copy(reader: int, target: Path, crc32c: int) -> int | None:
    """Copy an extent with its footer, synced; None when its bytes are not the ones meant."""
    try:
        footer = read_footer(reader)
        size_bytes = os.fstat(reader).st_size
    except OSError:
        footer, size_bytes = None, 0
    with open(target, "wb", buffering=0) as writer:
        if footer is None:
            return None
        if _sum(reader, footer, writer.fileno()) != crc32c:
            return None
        _write(writer.fileno(), os.pread(reader, size_bytes, footer.size_bytes))
        os.fsync(writer.fileno())
    return size_bytes


def _sum(reader: int, footer: Footer, writer: int | None) -> int | None:
    """CRC32C of the content, written to `writer` on the way; None when it cannot be read."""
    crc32c = 0
    pieces = _pieces(reader, footer)
    while True:
        try:
            piece = next(pieces, None)
        except OSError:
            return None
        if piece is None:
            return crc32c
        crc32c = extend_crc32c(crc32c, piece)
        if writer is not None:
            _write(writer, piece)


def _pieces(reader: int, footer: Footer) -> Iterator[bytes]:
    """The content by the pieces of its footer, by whose checksums readers will judge it."""
    for number, crc32c in enumerate(footer.sums):
        at = number * PIECE_BYTES
        piece = os.pread(reader, min(PIECE_BYTES, footer.size_bytes - at), at)
        if extend_crc32c(0, piece) != crc32c:
            raise OSError("its bytes and its footer do not agree")
        yield piece


def _write(writer: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(writer, view) :]

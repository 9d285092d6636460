"""Block and entry files of one cache directory: written aside, renamed, verified when in doubt.

    <dir>/<2 hex>/<object id>/entry                 what is known of the object, JSON
    <dir>/<2 hex>/<object id>/<version>-<block>     content of a block, then its trailer

A name appears only when its content is whole, an unlink never hurts a response in flight, and a
restart finds what was there. The trailer (magic, length, XXH3 of the content) lets a block be
checked by whoever doubts it. Everything here blocks: callers run it on the disk's own threads.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import struct
from array import array
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import xxhash

from cdnkit.placement import Node, rank
from edge.blockfile import BlockFile
from edge.cache.giving_way import giving_way
from edge.cache.shelves import ALL_SHELVES, mark_of

_TRAILER: Final = struct.Struct("<4sIQ")
TRAILER_BYTES: Final = _TRAILER.size
_MAGIC: Final = b"CEB1"
_RENAMES_MAX: Final = 3
_ENTRY_NAME: Final = "entry"
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_ASIDE_NAME: Final = "aside"
_SHELF: Final = re.compile(r"[0-9a-f]{2}")
_DIGITS_MAX: Final = 18

NO_DESCRIPTOR: Final = frozenset({errno.EMFILE, errno.ENFILE})
"""Nothing is wrong with a file that could not be opened for these."""


class CorruptBlockError(Exception):
    """A block file is not what was written."""


@dataclass(frozen=True, slots=True)
class FoundObject:
    """An object's directory as found on disk."""

    object_id: str
    entry: dict[str, Any]
    blocks: dict[str, array[int]]

    @property
    def count(self) -> int:
        """Blocks of all versions."""
        return sum(map(len, self.blocks.values()))


class Disk:
    """One cache directory and the threads that touch it.

    Blocks are written by `writer`, one after the other, which gives way to who serves; `threads`
    do what viewers and orders wait for, and no write is before that.

    `shelves` are those whose objects are this worker's to find, to write and to remove; it reads
    blocks from all of them.
    """

    def __init__(
        self, path: Path, size_bytes: int, threads: int = 2, shelves: range = ALL_SHELVES
    ) -> None:
        self.path = path
        self.shelves = shelves
        self._mark = path / mark_of(shelves)
        self.size_bytes = size_bytes
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix=f"disk-{path.name}")
        self.writer = giving_way(f"write-{path.name}")
        # Two threads never get one name: `next` is one step of the interpreter.
        self._names = map(f"{os.urandom(4).hex()}-{{}}".format, count())

    @property
    def _aside_prefix(self) -> str:
        return f"{self.shelves.start:02x}-"

    def prepare(self) -> bool:
        """Make the directory; True when the last stop was clean (the mark is taken away).

        Blocks are never synced: what was written before the machine itself went down is doubted.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        aside = self.path / _ASIDE_NAME
        aside.mkdir(exist_ok=True)
        for leftover in aside.iterdir():
            # Other workers may be writing theirs just now.
            if self.shelves == ALL_SHELVES or leftover.name.startswith(self._aside_prefix):
                _remove_nonsense(str(leftover))
        said = read_mark(self._mark)
        self._mark.unlink(missing_ok=True)
        return bool(said) and said == boot_id()

    def close(self, in_order: bool = True) -> None:
        """Finish what is queued; leave the mark of a clean stop in this run of the machine.

        Unless something is in doubt still: then nothing may be trusted after the next start.
        """
        self.writer.shutdown(wait=True)
        self.threads.shutdown(wait=True)
        if in_order:
            self._mark.write_text(boot_id())

    def block_path(self, object_id: str, version: str, block: int) -> str:
        """Where a block lies, or would."""
        return f"{self.path}/{object_id[:2]}/{object_id}/{version}-{block}"

    def write_block(
        self, object_id: str, version: str, block: int, content: memoryview
    ) -> BlockFile:
        """Write a whole block and return it open for reading. Raises OSError."""
        aside, descriptor = self._open_aside()
        try:
            trailer = _TRAILER.pack(_MAGIC, len(content), xxhash.xxh3_64_intdigest(content))
            # One large write: the page cache then holds large folios, which makes every later
            # sendfile of these bytes up to a third cheaper (docs/benchmarks.md).
            written = os.writev(descriptor, [content, trailer])
            if written != len(content) + TRAILER_BYTES:
                # The system writes a part only when there is no room for the rest.
                raise OSError(errno.ENOSPC, f"only {written} bytes of a block written")
            self._put_in_place(aside, self.block_path(object_id, version, block))
        except BaseException:
            os.close(descriptor)
            _unlink(aside)
            raise
        return BlockFile(descriptor)

    def write_entry(self, object_id: str, entry: dict[str, Any]) -> None:
        """Write what is known of an object. Raises OSError."""
        aside, descriptor = self._open_aside()
        try:
            record = json.dumps(entry).encode()
            written = os.write(descriptor, record)
            if written != len(record):
                raise OSError(errno.ENOSPC, f"only {written} bytes of an entry written")
            self._put_in_place(aside, f"{self.path}/{object_id[:2]}/{object_id}/{_ENTRY_NAME}")
        except BaseException:
            _unlink(aside)
            raise
        finally:
            os.close(descriptor)

    def open_block(self, object_id: str, version: str, block: int) -> BlockFile:
        """Open a block for reading. Raises OSError."""
        return BlockFile(os.open(self.block_path(object_id, version, block), os.O_RDONLY))

    def verify_block(self, object_id: str, version: str, block: int, size_bytes: int) -> BlockFile:
        """Open a block after reading all of it. Raises CorruptBlockError, OSError."""
        file = BlockFile(os.open(self.block_path(object_id, version, block), os.O_RDONLY))
        content = os.pread(file.fd, size_bytes + TRAILER_BYTES + 1, 0)
        if len(content) != size_bytes + TRAILER_BYTES:
            raise CorruptBlockError("wrong length")
        magic, length, digest = _TRAILER.unpack_from(content, size_bytes)
        body = memoryview(content)[:size_bytes]
        if magic != _MAGIC or length != size_bytes or digest != xxhash.xxh3_64_intdigest(body):
            raise CorruptBlockError("wrong checksum")
        return file

    def remove_block(self, object_id: str, version: str, block: int) -> None:
        """Unlink a block; readers that hold it keep it."""
        _unlink(self.block_path(object_id, version, block))

    def remove_entry(self, object_id: str) -> None:
        """Unlink what is known of an object; its directory goes when nothing else is in it."""
        directory = f"{self.path}/{object_id[:2]}/{object_id}"
        _unlink(f"{directory}/{_ENTRY_NAME}")
        try:
            os.rmdir(directory)
        except OSError:
            pass

    def remove_object(self, object_id: str) -> None:
        """Unlink everything of an object."""
        directory = f"{self.path}/{object_id[:2]}/{object_id}"
        try:
            names = os.listdir(directory)
        except OSError:
            return
        for name in names:
            _unlink(f"{directory}/{name}")
        try:
            os.rmdir(directory)
        except OSError:
            pass

    def found_shelves(self) -> list[int]:
        """The shelves of this worker that there are, in order. Raises OSError."""
        named = filter(_SHELF.fullmatch, os.listdir(self.path))
        return sorted(
            int(name, 16)
            for name in named
            if int(name, 16) in self.shelves and os.path.isdir(f"{self.path}/{name}")
        )

    def scan(self, shelves: Iterable[int] | None = None) -> Iterator[FoundObject]:
        """Every object with a readable entry; what is none is removed from the shelves.

        Nobody else may make objects on these shelves meanwhile. Raises OSError.
        """
        for number in self.found_shelves() if shelves is None else shelves:
            shelf = f"{number:02x}"
            for object_id in sorted(os.listdir(f"{self.path}/{shelf}")):
                found = self.find(object_id) if object_id[:2] == shelf else None
                if found is None:
                    _remove_nonsense(f"{self.path}/{shelf}/{object_id}")
                else:
                    yield found

    def find(self, object_id: str) -> FoundObject | None:
        """One object, None without a readable entry. Raises OSError when descriptors lack."""
        directory = f"{self.path}/{object_id[:2]}/{object_id}"
        try:
            with open(f"{directory}/{_ENTRY_NAME}", "rb") as file:
                entry = json.load(file)
            names = os.listdir(directory)
        except OSError as error:
            if error.errno in NO_DESCRIPTOR:
                raise
            return None
        except (ValueError, RecursionError):
            return None
        if not isinstance(entry, dict):
            return None
        blocks: dict[str, array[int]] = {}
        for name in names:
            # By hand, not by a pattern: over millions of names that is a sixth of a start.
            version, _, digits = name.partition("-")
            is_number = digits.isdecimal() and digits.isascii() and len(digits) <= _DIGITS_MAX
            if version and is_number and (digits[0] != "0" or digits == "0"):
                found = blocks.get(version)
                if found is None:
                    found = blocks[version] = array("Q")
                found.append(int(digits))
            elif name != _ENTRY_NAME:
                _remove_nonsense(f"{directory}/{name}")
        return FoundObject(object_id, entry, blocks)

    def _open_aside(self) -> tuple[str, int]:
        name = f"{self._aside_prefix}{os.getpid()}-{next(self._names)}"
        aside = f"{self.path}/{_ASIDE_NAME}/{name}"
        return aside, os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)

    @staticmethod
    def _put_in_place(aside: str, path: str) -> None:
        for _ in range(_RENAMES_MAX):
            try:
                os.rename(aside, path)
            except FileNotFoundError:
                # Another thread may take the empty directory away before the rename comes.
                os.makedirs(os.path.dirname(path), exist_ok=True)
            else:
                return
        os.rename(aside, path)


def home_of(target: bytes, disks: Sequence[Disk]) -> Disk:
    """The disk an object lives on: each gets its share by size, and others' objects stay put."""
    if len(disks) == 1:
        return disks[0]
    by_name = {disk.path.as_posix(): disk for disk in disks}
    nodes = [Node(name, float(disk.size_bytes)) for name, disk in by_name.items()]
    return by_name[rank(target, nodes)[0].name]


def read_mark(path: Path) -> str:
    """The run of the machine in which a mark was left; empty when it is not there."""
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""


def boot_id() -> str:
    """Another one after every start of the machine, empty when the system does not say."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _remove_nonsense(path: str) -> None:
    """Remove whatever has this name; what cannot be removed stays for the next scan."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        _unlink(path)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass

"""The folder of backups: where each thing in it lies, and what a backup says of itself.

    extents/ab/NAME-CRC                 bytes, shared by all backups of the folder
    20261129T165500Z/manifest.json      written last: without it there is no backup
                     objects.jsonl      which bytes the catalog of this backup names
                     catalog.sqlite     or catalog.dump, of PostgreSQL
                     topology.yaml

An extent is named as in the store, and by the checksum of its bytes: after a restore the same
generation may come to mean other bytes, and both may be in the folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from cdnkit.errors import ConflictError, NotFoundError, UnavailableError
from origin.store.base import StoredObject
from origin.store.extents import extent_count, extent_name
from origin.store.volumes import MARKER_NAME, sync_directory, write_json

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
OBJECTS: Final = "objects.jsonl"
TOPOLOGY: Final = "topology.yaml"
CATALOGS: Final = {"sqlite": "catalog.sqlite", "postgresql": "catalog.dump"}
_NAME: Final = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True, slots=True)
class BackedUp:
    """An object of the catalog: its stored bytes, and how to tell that they are right."""

    stored: StoredObject
    sha256: str
    extent_crc32c: tuple[int, ...]

    def extents(self) -> Iterator[tuple[int, str, int]]:
        """Index, name in the store and CRC32C of each of its extents."""
        for index in range(extent_count(self.stored)):
            name = extent_name(self.stored.object_id, self.stored.generation, index)
            yield index, name, self.extent_crc32c[index]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. `sha256` is by file; `lost` are keys whose bytes no volume had.

    `variables` and `files` are what the topology names and the backup does not hold.
    """

    made_at: str
    origin: str
    database: str
    has_bytes: bool
    journal: int
    objects: int
    object_bytes: int
    sha256: dict[str, str]
    lost: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    format: int = FORMAT


def extent_file(folder: Path, name: str, crc32c: int) -> Path:
    """Where an extent lies in the folder of backups."""
    return folder / "extents" / f"{name}-{crc32c:08x}"


def names_of(folder: Path) -> list[str]:
    """The backups that are whole, the oldest first."""
    return sorted(path.parent.name for path in folder.glob(f"*/{MANIFEST}"))


def chosen(folder: Path, name: str | None) -> Path:
    """The folder of the backup `name`, or of the newest. Raises NotFoundError."""
    names = names_of(folder)
    if not names:
        raise NotFoundError(f"{folder} holds no backup; `cinedge backup make` makes one")
    if name is not None and name not in names:
        raise NotFoundError(f"{folder} holds no backup {name}; there are {', '.join(names)}")
    return folder / (name or names[-1])


def read_manifest(backup: Path) -> Manifest:
    """Raises UnavailableError for one that cannot be read, or that a newer program has made."""
    try:
        said: dict[str, Any] = json.loads((backup / MANIFEST).read_text())
        if said["format"] != FORMAT:
            raise UnavailableError(
                f"{backup} has format {said['format']}; this program reads {FORMAT}"
            )
        lists = {name: tuple(said[name]) for name in ("lost", "variables", "files")}
        return Manifest(**{**said, **lists})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnavailableError(f"{backup / MANIFEST} cannot be read: {error}") from error


def write_manifest(backup: Path, manifest: Manifest) -> None:
    """Make the backup one. Raises OSError."""
    write_json(backup / MANIFEST, asdict(manifest))


def read_objects(backup: Path) -> Iterator[BackedUp]:
    """The objects of a backup. Raises UnavailableError, also for a list that was changed.

    One that lost its last lines still reads well: what it no longer names would be removed by
    `prune`, and would not come back.
    """
    try:
        if digest_of(backup / OBJECTS) != read_manifest(backup).sha256[OBJECTS]:
            raise UnavailableError(f"{backup / OBJECTS} is not what was written")
        with open(backup / OBJECTS, encoding="utf-8") as file:
            for line in file:
                key, generation, size_bytes, extent_bytes, sha256, sums = json.loads(line)
                stored = StoredObject(key, generation, size_bytes, extent_bytes)
                yield BackedUp(stored, sha256, tuple(sums))
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise UnavailableError(f"{backup / OBJECTS} cannot be read: {error}") from error


def write_objects(backup: Path, objects: list[BackedUp]) -> None:
    """Raises OSError."""
    with open(backup / OBJECTS, "w", encoding="utf-8") as file:
        for each in objects:
            stored = each.stored
            line = [
                *(stored.object_id, stored.generation, stored.size_bytes, stored.extent_bytes),
                *(each.sha256, each.extent_crc32c),
            ]
            file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())


def digest_of(path: Path) -> str:
    """SHA-256 of a file as hex. Raises OSError."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Only one program works in the folder. Raises ConflictError, OSError."""
    if (folder / MARKER_NAME).exists():
        # Its extents lie where those of backups would: pruning would remove every film.
        raise ConflictError(f"{folder} is a volume of an origin; choose another folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with only_one(folder / ".lock", str(folder)):
        yield


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """Nobody removes anything meanwhile. Raises ConflictError, OSError."""
    if os.access(folder, os.W_OK):
        with locked(folder):
            yield
    else:
        # Of a disk that is mounted to be read, nobody removes anything.
        yield


@contextmanager
def only_one(path: Path, what: str) -> Iterator[None]:
    """Hold the lock at `path` until the end of the block. Raises ConflictError, OSError."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConflictError(f"another program works on {what}") from error
        yield
    finally:
        os.close(fd)


def prune(folder: Path, keep: int) -> tuple[list[str], int]:
    """Remove all backups but the newest `keep`, and bytes that none of those names.

    The names of what went, and how many bytes. A backup that was never finished goes too.
    Raises NotFoundError where there is no backup, UnavailableError, OSError.
    """
    chosen(folder, None)
    names = names_of(folder)
    kept = names[-keep:]
    needed = {
        extent_file(folder, name, crc32c)
        for backup in kept
        for each in read_objects(folder / backup)
        for _, name, crc32c in each.extents()
    }
    gone = []
    for path in sorted(folder.iterdir()):
        if _NAME.fullmatch(path.name) and path.name not in kept:
            # Without its manifest it is no backup, whatever else is still there after a crash.
            for file in sorted(path.iterdir(), key=lambda file: file.name != MANIFEST):
                file.unlink()
            path.rmdir()
            gone.append(path.name)
    sync_directory(folder)
    freed_bytes = 0
    for path in folder.glob("extents/*/*"):
        if path not in needed:
            freed_bytes += path.stat().st_size
            path.unlink()
    return [name for name in gone if name in names], freed_bytes

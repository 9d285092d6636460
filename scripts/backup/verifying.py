"""Whether a backup can be restored: every file it names is there and has the right digest.

Each object is read from its extents and compared with the SHA-256 in the catalog, which is that of
the bytes as they were once received.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from origin.store.crc32c import extend_crc32c
from scripts.backup.extents import content_of
from scripts.backup.folder import (
    BackedUp,
    Manifest,
    digest_of,
    extent_file,
    read_manifest,
    read_objects,
)


def faults_of(folder: Path, backup: Path) -> Iterator[str]:
    """What is wrong with a backup, a sentence each. Raises UnavailableError for no manifest."""
    manifest = read_manifest(backup)
    broken = list(_broken_files(backup, manifest))
    yield from broken
    if broken or not manifest.has_bytes:
        return
    for each in read_objects(backup):
        fault = _fault_of(folder, each)
        if fault and each.stored.object_id not in manifest.lost:
            yield f"{each.stored.object_id}: {fault}"


def _broken_files(backup: Path, manifest: Manifest) -> Iterator[str]:
    for name, sha256 in manifest.sha256.items():
        try:
            if digest_of(backup / name) != sha256:
                yield f"{name} is not what was written"
        except OSError as error:
            yield f"{name} cannot be read: {error.strerror}"


def _fault_of(folder: Path, each: BackedUp) -> str:
    digest = hashlib.sha256()
    for index, name, crc32c in each.extents():
        path = extent_file(folder, name, crc32c)
        damaged = f"extent {index} is damaged; remove {path} and make a backup again"
        found = 0
        try:
            for piece in content_of(path):
                digest.update(piece)
                found = extend_crc32c(found, piece)
        except OSError as error:
            if error.errno is None:
                return damaged
            return f"extent {index} cannot be read: {error.strerror}"
        if found != crc32c:
            return damaged
    return "" if digest.hexdigest() == each.sha256 else "its bytes are not what was uploaded"

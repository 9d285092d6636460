"""The snapshots of one place: which there are, whether their files are whole, which may go.

Reading is doubting: a file of another length or digest than its manifest says is refused by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from cdnkit.errors import BadRequestError, DigestMismatchError, NotFoundError
from origin.batch.destination import Destination
from origin.batch.manifest import (
    Manifest,
    Part,
    Plan,
    is_snapshot_id,
    parse_manifest,
    parse_plan,
)

MANIFEST: Final = "manifest.json"
PLAN: Final = "plan.json"
KEPT: Final = 2
"""Snapshots that stay: whoever was erased from the log is gone from all after as many runs."""


def read_whole(destination: Destination, path: str) -> bytes:
    """A small file. Raises NotFoundError."""
    return b"".join(destination.read(path))


def snapshot_ids(destination: Destination) -> list[str]:
    """Finished snapshots, the oldest first."""
    return [
        name
        for name in _folders(destination)
        if destination.size_bytes(f"{name}/{MANIFEST}") is not None
    ]


def load_manifest(destination: Destination, snapshot: str) -> Manifest:
    """One snapshot. Raises NotFoundError, BadRequestError."""
    path = f"{snapshot}/{MANIFEST}"
    return parse_manifest(read_whole(destination, path), destination.url(path))


def newest_manifest(destination: Destination) -> Manifest:
    """The snapshot to work with. Raises NotFoundError when there is none."""
    found = snapshot_ids(destination)
    if not found:
        raise NotFoundError(f"there is no snapshot in {destination.url('')}")
    return load_manifest(destination, found[-1])


def unfinished_plan(destination: Destination) -> Plan | None:
    """What the newest run that did not end had decided."""
    for name in reversed(_folders(destination)):
        if destination.size_bytes(f"{name}/{MANIFEST}") is not None:
            return None
        path = f"{name}/{PLAN}"
        if destination.size_bytes(path) is not None:
            return parse_plan(read_whole(destination, path), destination.url(path))
    return None


def check_size(destination: Destination, part: Part) -> None:
    """A look at a file. Raises NotFoundError, DigestMismatchError, both naming it."""
    found = destination.size_bytes(part.path)
    if found is None:
        raise NotFoundError(f"{destination.url(part.path)} is missing: make a new snapshot")
    if found != part.size_bytes:
        said = f"{found} bytes where the manifest says {part.size_bytes}"
        raise DigestMismatchError(f"{destination.url(part.path)} has {said}: it is damaged")


def check_bytes(destination: Destination, part: Part) -> None:
    """Read a file through. Raises NotFoundError, DigestMismatchError, both naming it."""
    check_size(destination, part)
    digest = hashlib.sha256()
    for chunk in destination.read(part.path):
        digest.update(chunk)
    if digest.hexdigest() != part.sha256:
        raise DigestMismatchError(f"{destination.url(part.path)} is damaged: its digest differs")


def is_whole(destination: Destination, parts: Iterable[Part]) -> bool:
    """Whether files are what was written."""
    try:
        for part in parts:
            check_bytes(destination, part)
    except (NotFoundError, DigestMismatchError):
        return False
    return True


def prune(destination: Destination, kept: int = KEPT) -> list[str]:
    """Remove all but the newest snapshots, and whatever no kept one names; what went.

    One whose manifest cannot be read is no snapshot: of it stays what others name.
    """
    named: set[str] = set()
    ids: list[str] = []
    for name in snapshot_ids(destination)[-kept:]:
        try:
            named |= {part.path for part in load_manifest(destination, name).parts()}
        except BadRequestError:
            continue
        ids.append(name)
    if not ids:
        return []
    gone: list[str] = []
    for name in _folders(destination):
        # What is being made now sorts last, and is not of this shelf's business.
        if name in ids or name > ids[-1]:
            continue
        gone.extend(_sweep(destination, name, named))
    return gone


def _folders(destination: Destination) -> list[str]:
    return [name for name in destination.names("") if is_snapshot_id(name)]


def _sweep(destination: Destination, folder: str, named: set[str]) -> list[str]:
    """Remove a folder but for the files that are named."""
    if not any(path.startswith(f"{folder}/") for path in named):
        destination.remove(folder)
        return [folder]
    gone = []
    for name in destination.names(folder):
        path = f"{folder}/{name}"
        if path not in named:
            gone.extend(_sweep(destination, path, named))
    return gone

"""Files of a snapshot for an engine: every one is read through before it is believed.

An engine that reads the place by itself is told where the files are; for one that does not, they
are copied to a folder of this machine, which ends with the context. A file that turns out to be
damaged is removed: it can be made again from the log, and while it lies there it would be believed
by its length.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cdnkit.errors import DigestMismatchError
from origin.batch.destination import Destination, Folder
from origin.batch.manifest import Manifest, Part
from origin.batch.shelf import check_bytes


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where an engine finds what it reads."""

    activity: tuple[str, ...]
    titles: tuple[str, ...]


@contextmanager
def opened_inputs(
    destination: Destination, manifest: Manifest, schemes: frozenset[str]
) -> Iterator[Inputs]:
    """The files, checked. Raises NotFoundError, DigestMismatchError, both naming a file."""
    if scheme_of(destination.url("")) in schemes:
        for part in manifest.parts():
            with _removing(destination, part):
                check_bytes(destination, part)
        yield _inputs(destination, manifest)
        return
    with tempfile.TemporaryDirectory(prefix="cinedge-inputs-") as folder:
        here = Folder(Path(folder))
        copy(destination, here, manifest.parts())
        yield _inputs(here, manifest)


def scheme_of(url: str) -> str:
    """How an address begins; empty for a path."""
    scheme, found, _ = url.partition("://")
    return scheme if found else ""


def copy(source: Destination, target: Destination, parts: Iterable[Part]) -> None:
    """Copy files, and check the copies."""
    for part in parts:
        target.put(part.path, source.read(part.path))
        with _removing(source, part):
            check_bytes(target, part)


@contextmanager
def _removing(destination: Destination, part: Part) -> Iterator[None]:
    """Whoever finds damage takes the file away, and says so."""
    try:
        yield
    except DigestMismatchError as error:
        destination.remove(part.path)
        removed = f"removed {destination.url(part.path)}: run this again to write it anew"
        raise DigestMismatchError(f"{error.detail}; {removed}") from error


def _inputs(place: Destination, manifest: Manifest) -> Inputs:
    return Inputs(
        tuple(place.url(part.path) for part in manifest.activity_parts()),
        tuple(place.url(part.path) for part in manifest.titles),
    )

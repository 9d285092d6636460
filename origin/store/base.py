"""The contract of a byte store: immutable objects by (object id, generation), cut into extents.

An object is written once, by one `Writer`, and is readable only after `commit`. Replacing an object
is writing its next generation; the catalog decides which generation a key means, so a reader sees
the old bytes or the new ones and never a mixture. `read` is arithmetic on the offset.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from origin.store.crc32c import Piece

EXTENT_BYTES_DEFAULT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Everything `read` needs to find bytes; kept by the catalog as part of the object's row."""

    object_id: str
    generation: int
    size_bytes: int
    extent_bytes: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What `commit` vouches for."""

    stored: StoredObject
    sha256: bytes
    extent_crc32c: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FileSlice:
    """Bytes `[start, stop)` of a local file, fit for sendfile."""

    path: str
    start: int
    stop: int


class OpenSlice(NamedTuple):
    """Bytes `[start, stop)` of a file held open, fit for sendfile even after it is unlinked."""

    fd: int
    start: int
    stop: int


class Lease(Protocol):
    """An interval of an object held open: deleting the object cannot hurt who reads it."""

    @property
    def slices(self) -> Sequence[OpenSlice]:
        """The interval in order; the descriptors are valid until the next await or `release`."""

    def is_ready(self, position: int, start: int, stop: int) -> bool:
        """Whether `[start, stop)` of that slice's file is in memory and known to be right."""

    async def make_ready(self, position: int, start: int, stop: int) -> None:
        """Read and verify `[start, stop)`; a copy that is wrong is replaced by another.

        Raises as `read` does.
        """

    async def replace(self, position: int) -> None:
        """Go on with another copy: this slice's file could not be sent. Raises as `read` does."""

    def release(self) -> None:
        """Give the descriptors back. Call once."""


class Writer(Protocol):
    """One object on its way in. Exactly one of `commit` and `abort` ends it."""

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append; the data may be reused by the caller once this returns, unless it is a view of
        `origin.store.piece_memory`, which is held as long as it is needed.

        Raises StorageFullError, or UnavailableError when no volume works.
        """

    async def seal(self) -> None:
        """Make the object durable (fsync); nothing can be appended. `commit` does it, too."""

    async def commit(self) -> Receipt:
        """Make the object durable (fsync) and readable."""

    async def abort(self) -> None:
        """Remove every trace. Never raises for bytes that are already gone."""


class ByteStore(Protocol):
    """`create(K, V)`, `read(K, offset, length)`, `delete(K)`."""

    async def create(
        self, object_id: str, generation: int, size_bytes: int | None = None
    ) -> Writer:
        """Begin a new object; `size_bytes`, when known, is only checked against the room left.

        Raises ConflictError if that generation exists, StorageFullError, UnavailableError.
        """

    def read(self, stored: StoredObject, start: int, stop: int) -> AsyncIterator[Piece]:
        """Yield bytes `[start, stop)` in pieces of at most 1 MiB.

        Raises NotFoundError when no copy of an extent is left, UnavailableError when it exists but
        cannot be read now.
        """

    def slices(self, stored: StoredObject, start: int, stop: int) -> list[FileSlice] | None:
        """Where `[start, stop)` lies in local files, or None when it does not."""

    def lease_now(self, stored: StoredObject, start: int, stop: int) -> Lease | None:
        """What `lease` gives, if that takes no waiting; else None."""

    async def lease(self, stored: StoredObject, start: int, stop: int) -> Lease | None:
        """Hold `[start, stop)` open for sendfile; None when it does not lie in local files.

        Raises as `read` does.
        """

    async def delete(self, stored: StoredObject) -> None:
        """Remove the bytes; deleting what is gone is no error."""

    async def close(self) -> None:
        """Release descriptors and connections."""

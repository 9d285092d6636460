"""Objects that come in over many requests, in parts, across restarts: what a store may offer.

A part is an interval of an object that begins where an extent begins. Its bytes go straight to the
extents they will be read from; what is durable of a part is a small state that the caller keeps
with its rows and hands back to go on. Nothing is readable as an object before `assemble`.
A store offers this as its attribute `parts`; one that has none takes whole objects only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Collection
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from origin.store.base import ByteStore, StoredObject
from origin.store.crc32c import Piece

Identity: TypeAlias = tuple[str, int]
"""Object id and generation."""


ANY_EXTENT_BYTES: Final = 1 << 62
"""The bound of a store that takes extents of any length."""

SYNC_BYTES: Final = 8 * 1024 * 1024
"""What a store does where making durable costs no second copy."""


@dataclass(frozen=True, slots=True)
class PartState:
    """How much of a part is durable: bytes `[start, offset)` of the object.

    `crc32c` has one number for each extent begun, in order; the last one covers what there is of
    an unfinished extent.
    """

    extent_bytes: int
    start: int
    offset: int
    crc32c: tuple[int, ...] = ()


class PartWriter(Protocol):
    """One part on its way in; the bytes of one `put` after those of the one before.

    Every method but `close` raises StorageFullError or UnavailableError, and then the part goes on
    from its last durable state.
    """

    @property
    def offset(self) -> int:
        """Where the next byte goes in the object."""

    async def put(self, piece: Piece) -> None:
        """Append. One at a time; not durable when it returns."""

    def sync(self) -> Awaitable[PartState]:
        """Make durable what was put before the call; the waiting may go on beside `put`."""

    async def finish(self) -> PartState:
        """Make all of it durable and close its last extent, however long that is."""

    async def close(self) -> None:
        """Let go of files and connections. What was not synced may be lost. Never raises."""


class PartStore(Protocol):
    """Parts of objects that are not there yet.

    `extent_bytes_max` bounds the extents of an upload; `sync_bytes` is how much may come in before
    it should be made durable.
    """

    @property
    def extent_bytes_max(self) -> int:
        """As said."""

    @property
    def sync_bytes(self) -> int:
        """As said."""

    async def open_part(self, identity: Identity, state: PartState) -> PartWriter:
        """Begin a part, or go on; whatever lies beyond `state.offset` is dropped.

        The bytes of an unfinished extent are compared with its checksum. Raises UnavailableError,
        and NotFoundError when what was durable is lost.
        """

    def read(
        self, identity: Identity, extent_bytes: int, start: int, stop: int
    ) -> AsyncIterator[bytes]:
        """Yield `[start, stop)`, which must be finished, in pieces of at most 1 MiB.

        Each extent is verified before the first byte of it is given. Raises NotFoundError.
        """

    async def assemble(self, stored: StoredObject) -> None:
        """Make finished parts readable as an object; again is no error.

        The parts stay readable, and may be assembled again, until they are discarded.
        Raises NotFoundError when an extent is missing, UnavailableError.
        """

    async def discard(self, identity: Identity, extents: range | None = None) -> None:
        """Forget these extents, or all, of an object not to be assembled, or assembled already."""

    async def keep_only(self, known: Collection[Identity]) -> int:
        """Forget the parts of all other objects, as at a start; how many extents went."""


class ResumableStore(ByteStore, Protocol):
    """A byte store that takes parts."""

    @property
    def parts(self) -> PartStore:
        """Where parts go."""


def parts_of(store: ByteStore) -> PartStore | None:
    """The parts side of a store, None when it takes whole objects only."""
    found: PartStore | None = getattr(store, "parts", None)
    return found

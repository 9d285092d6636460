"""Where a writer into a bucket puts extents: objects, then a manifest that makes them exist.

Decides how much is in memory (parts under way, of a fixed size) and in which order a commit becomes
visible. Each extent is one upload in parts, fed piece by piece; the manifest is created last, and
only if no other writer has made that generation. The life of a writer is `origin.store.gathering`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from typing import Final

import google_crc32c
import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import ObjectStore as Bucket

from cdnkit.errors import ConflictError
from origin.store.base import Receipt
from origin.store.crc32c import Piece
from origin.store.extents import extent_name
from origin.store.gathering import GatheringWriter
from origin.store.object_errors import telling
from origin.store.object_manifest import (
    Manifest,
    format_manifest,
    manifest_name,
    parse_manifest,
)

PART_BYTES: Final = 8 * 1024 * 1024
"""Parts of an upload; S3 wants 5 MiB at least."""

PARTS_AT_ONCE: Final = 4
QUEUED_PIECES: Final = 2


class _GrowingObject:
    """One extent under way: pieces go into a short queue, an upload takes them out."""

    def __init__(self, bucket: Bucket, path: str, is_large: bool) -> None:
        self.crc32c = 0
        self.path = path
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUED_PIECES)
        put = obstore.put_async(
            bucket,
            path,
            self._pieces(),
            use_multipart=is_large,
            chunk_size=PART_BYTES,
            max_concurrency=PARTS_AT_ONCE,
        )
        self._upload = asyncio.ensure_future(put)

    async def put(self, piece: bytes) -> None:
        """Append. Raises what the upload raised."""
        self.crc32c = google_crc32c.extend(self.crc32c, piece)
        await self._offer(piece)

    async def finish(self) -> None:
        """Wait until the extent is stored."""
        await self._offer(None)
        await self._upload

    async def cancel(self) -> None:
        """Stop the upload, whatever its state."""
        self._upload.cancel()
        await asyncio.gather(self._upload, return_exceptions=True)

    async def _offer(self, piece: bytes | None) -> None:
        """Put into the queue, unless the upload has ended: nobody would take it out."""
        offering = asyncio.ensure_future(self._queue.put(piece))
        try:
            await asyncio.wait({offering, self._upload}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            offering.cancel()
        if self._upload.done() and piece is not None:
            self._upload.result()
            raise ConflictError("the upload ended before its bytes")

    async def _pieces(self) -> AsyncIterator[bytes]:
        while (piece := await self._queue.get()) is not None:
            yield piece


class ObjectPlace:
    """The extents of one object on their way into a bucket."""

    def __init__(self, bucket: Bucket, object_id: str, generation: int, extent_bytes: int) -> None:
        self._bucket = bucket
        self._identity = (object_id, generation)
        self._is_large = extent_bytes > PART_BYTES
        self._extents: list[_GrowingObject] = []

    @property
    def sums(self) -> tuple[int, ...]:
        """The CRC32C of each extent."""
        return tuple(extent.crc32c for extent in self._extents)

    async def put(self, piece: Piece, *, begins_extent: bool) -> None:
        """Append. Raises what the service answers."""
        if begins_extent:
            if self._extents:
                await self._extents[-1].finish()
            path = extent_name(*self._identity, len(self._extents))
            self._extents.append(_GrowingObject(self._bucket, path, self._is_large))
        await self._extents[-1].put(bytes(piece))

    async def finish(self) -> None:
        """Wait until the last extent is stored."""
        await self._extents[-1].finish()

    async def publish(self, receipt: Receipt) -> None:
        """Make the manifest. Raises AlreadyExistsError when there is another's."""
        manifest = Manifest(receipt.stored, receipt.sha256.hex(), receipt.extent_crc32c)
        name = manifest_name(*self._identity)
        try:
            await obstore.put_async(self._bucket, name, format_manifest(manifest), mode="create")
        except AlreadyExistsError:
            # A request repeated after its answer was lost finds what it has made itself.
            found = bytes(await (await obstore.get_async(self._bucket, name)).bytes_async())
            if parse_manifest(found) != manifest:
                raise

    async def remove(self) -> None:
        """Leave no trace."""
        for extent in self._extents:
            await extent.cancel()
        with telling(f"{self._identity[0]} could not be removed"):
            for extent in self._extents:
                await obstore.delete_async(self._bucket, extent.path)

    def telling(self) -> AbstractContextManager[None]:
        """Turn what the service refuses into errors of ours."""
        return telling(f"{self._identity[0]} could not be written")


def open_object_writer(
    bucket: Bucket,
    identity: tuple[str, int],
    *,
    extent_bytes: int,
    on_end: Callable[[], None],
) -> GatheringWriter:
    """A writer of one object. `on_end` is called once, when it is over."""
    place = ObjectPlace(bucket, *identity, extent_bytes)
    return GatheringWriter(place, None, identity, extent_bytes, on_end)

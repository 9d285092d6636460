"""The writer of the object store: extents as objects, then a manifest that makes them exist.

Decides how much is in memory (parts under way, of a fixed size) and in which order a commit becomes
visible. Each extent is one upload in parts, fed piece by piece; the manifest is created last, and
only if no other writer has made that generation.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import google_crc32c
import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import ObjectStore as Bucket

from cdnkit.errors import ConflictError
from origin.store.base import Receipt, StoredObject
from origin.store.extents import PIECE_BYTES, extent_name
from origin.store.object_errors import telling

PART_BYTES: Final = 8 * 1024 * 1024
"""Parts of an upload; S3 wants 5 MiB at least."""

PARTS_AT_ONCE: Final = 4
QUEUED_PIECES: Final = 2


@dataclass(frozen=True, slots=True)
class Manifest:
    """What vouches for an object of which every extent is stored."""

    stored: StoredObject
    sha256: str
    extent_crc32c: tuple[int, ...]


def manifest_name(object_id: str, generation: int) -> str:
    """Path of a manifest: beside the extents, where their number would be."""
    return extent_name(object_id, generation, 0).removesuffix("0") + "manifest"


def format_manifest(manifest: Manifest) -> bytes:
    """The text of a manifest."""
    stored = manifest.stored
    members: dict[str, Any] = {
        "object_id": stored.object_id,
        "generation": stored.generation,
        "size_bytes": stored.size_bytes,
        "extent_bytes": stored.extent_bytes,
        "sha256": manifest.sha256,
        "extent_crc32c": manifest.extent_crc32c,
    }
    return json.dumps(members).encode()


def parse_manifest(data: bytes) -> Manifest | None:
    """The manifest in a text, or None when it is none."""
    try:
        members = json.loads(data)
        stored = StoredObject(
            str(members["object_id"]),
            int(members["generation"]),
            int(members["size_bytes"]),
            int(members["extent_bytes"]),
        )
        crc32c = tuple(int(each) for each in members["extent_crc32c"])
        return Manifest(stored, str(members["sha256"]), crc32c)
    except (ValueError, KeyError, TypeError):
        return None


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


class ObjectWriter:
    """One object on its way into a bucket. `on_end` is called once, when it is over."""

    def __init__(
        self,
        bucket: Bucket,
        object_id: str,
        generation: int,
        *,
        extent_bytes: int,
        on_end: Callable[[], None],
    ) -> None:
        self._bucket = bucket
        self._object_id = object_id
        self._generation = generation
        self._extent_bytes = extent_bytes
        self._on_end = on_end
        self._sha256 = hashlib.sha256()
        self._hashing: Awaitable[None] | None = None
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._handed_bytes = 0
        self._extents: list[_GrowingObject] = []
        self._is_open = True
        self._removing: asyncio.Task[None] | None = None

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append. Raises StorageFullError or UnavailableError, and then the object is gone."""
        self._check_open()
        view = memoryview(data).cast("B")
        at = 0
        while at < len(view):
            stop = min(len(view), at + self._piece_bytes() - self._gathered_bytes)
            self._gathered.append(bytes(view[at:stop]))
            self._gathered_bytes += stop - at
            at = stop
            if self._gathered_bytes == self._piece_bytes():
                await self._or_abort(self._hand_over)

    async def commit(self) -> Receipt:
        """Make the object readable. Raises as `write` does, ConflictError if it exists."""
        self._check_open()
        await self._or_abort(self._finish)
        stored = StoredObject(
            self._object_id, self._generation, self._handed_bytes, self._extent_bytes
        )
        crc32c = tuple(extent.crc32c for extent in self._extents)
        receipt = Receipt(stored, self._sha256.digest(), crc32c)
        await self._or_abort(lambda: self._announce(receipt))
        self._is_open = False
        self._on_end()
        return receipt

    async def abort(self) -> None:
        """Remove every trace; nothing to do when the object is committed or gone already."""
        if self._is_open:
            self._is_open = False
            self._gathered.clear()
            self._removing = asyncio.create_task(self._remove())
        if self._removing is not None:
            await asyncio.shield(self._removing)

    def _check_open(self) -> None:
        if not self._is_open:
            raise ConflictError(
                f"generation {self._generation} of {self._object_id} is not being written"
            )

    def _piece_bytes(self) -> int:
        return min(PIECE_BYTES, self._extent_bytes - self._handed_bytes % self._extent_bytes)

    async def _hand_over(self) -> None:
        if self._handed_bytes % self._extent_bytes == 0:
            await self._begin_extent()
        piece = b"".join(self._gathered)
        self._gathered.clear()
        self._gathered_bytes = 0
        self._handed_bytes += len(piece)
        if self._hashing is not None:
            await self._hashing
        self._hashing = asyncio.get_running_loop().run_in_executor(None, self._sha256.update, piece)
        await self._extents[-1].put(piece)

    async def _begin_extent(self) -> None:
        if self._extents:
            await self._extents[-1].finish()
        path = extent_name(self._object_id, self._generation, len(self._extents))
        is_large = self._extent_bytes > PART_BYTES
        self._extents.append(_GrowingObject(self._bucket, path, is_large))

    async def _finish(self) -> None:
        if self._gathered_bytes or not self._handed_bytes:
            await self._hand_over()
        await self._extents[-1].finish()
        if self._hashing is not None:
            await self._hashing

    async def _announce(self, receipt: Receipt) -> None:
        manifest = Manifest(receipt.stored, receipt.sha256.hex(), receipt.extent_crc32c)
        name = manifest_name(self._object_id, self._generation)
        try:
            await obstore.put_async(self._bucket, name, format_manifest(manifest), mode="create")
        except AlreadyExistsError:
            # A request repeated after its answer was lost finds what it has made itself.
            found = bytes(await (await obstore.get_async(self._bucket, name)).bytes_async())
            if parse_manifest(found) != manifest:
                raise

    async def _or_abort(self, step: Callable[[], Awaitable[None]]) -> None:
        """A step that failed takes the object with it; a cancelled one leaves it to the caller."""
        try:
            with telling(f"{self._object_id} could not be written"):
                await step()
        except Exception:
            await self.abort()
            raise

    async def _remove(self) -> None:
        try:
            for extent in self._extents:
                await extent.cancel()
            with telling(f"{self._object_id} could not be removed"):
                for extent in self._extents:
                    await obstore.delete_async(self._bucket, extent.path)
        finally:
            self._on_end()

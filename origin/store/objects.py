"""The byte store in a bucket: the contract of `origin.store.base` over an S3 service.

Decides how reads are cut into requests and when the extents of a deleted object may go. How many
copies there are, where they lie and how they are mended is the object store's own business, and
several origin processes may share one bucket. Writing is `origin.store.object_writer`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import obstore
from obstore.store import ObjectStore as Bucket
from obstore.store import S3Store

from cdnkit.errors import ConflictError, NotFoundError, UnavailableError
from config.keeping import ObjectStore as ObjectStoreSettings
from origin.store.base import EXTENT_BYTES_DEFAULT, FileSlice, Lease, StoredObject, Writer
from origin.store.extents import ExtentSlice, extent_count, extent_name, locate
from origin.store.object_errors import telling
from origin.store.object_manifest import manifest_name
from origin.store.object_parts import ObjectParts
from origin.store.object_writer import open_object_writer
from origin.store.range_client import SIGNED_SECONDS, RangeClient, open_range_client
from origin.store.sums import PIECE_BYTES

CHUNK_BYTES: Final = PIECE_BYTES // 4
"""How much of an answer is handed on at a time: docs/decisions/0007-shared-origins.md."""

BREAKS_MAX: Final = 2
"""How often in a row an answer may break off without one more byte."""
if TYPE_CHECKING:
    from obstore import BytesStream, GetOptions

log = logging.getLogger(__name__)

Key = tuple[str, int]


class ObjectByteStore:
    """Extents as objects. `open_object_store` makes one over S3."""

    def __init__(
        self,
        bucket: Bucket,
        extent_bytes: int = EXTENT_BYTES_DEFAULT,
        ranges: RangeClient | None = None,
    ) -> None:
        self._bucket = bucket
        self._ranges = ranges
        self._extent_bytes = extent_bytes
        self._writing: set[Key] = set()
        self._readers: Counter[Key] = Counter()
        self._doomed: dict[Key, StoredObject] = {}
        self.parts = ObjectParts(bucket, lambda: datetime.now(UTC))
        self._removing: set[asyncio.Task[None]] = set()

    async def create(
        self, object_id: str, generation: int, size_bytes: int | None = None
    ) -> Writer:
        """Begin a new object; see `origin.store.base.ByteStore`. The room left is unknown."""
        key = (object_id, generation)
        if key in self._writing:
            raise ConflictError(f"generation {generation} of {object_id} is being written")
        self._writing.add(key)
        try:
            if await self._exists(object_id, generation):
                raise ConflictError(f"generation {generation} of {object_id} exists")
        except BaseException:
            self._writing.discard(key)
            raise
        return open_object_writer(
            self._bucket,
            key,
            extent_bytes=self._extent_bytes,
            on_end=lambda: self._writing.discard(key),
        )

    async def read(
        self, stored: StoredObject, start: int, stop: int
    ) -> AsyncIterator[bytes | memoryview]:
        """Yield `[start, stop)`, the next piece already on its way."""
        key = (stored.object_id, stored.generation)
        wanted = locate(stored, start, stop)
        if key in self._doomed:
            raise NotFoundError(f"no bytes of {stored.object_id}")
        self._readers[key] += 1
        try:
            for each in wanted:
                async with aclosing(self._read_extent(stored, each)) as pieces:
                    async for piece in pieces:
                        yield piece
        finally:
            self._leave(key)

    def slices(self, stored: StoredObject, start: int, stop: int) -> list[FileSlice] | None:
        """None: nothing lies in local files."""
        return None

    def lease_now(self, stored: StoredObject, start: int, stop: int) -> Lease | None:
        """None: nothing lies in local files."""
        return None

    async def lease(self, stored: StoredObject, start: int, stop: int) -> Lease | None:
        """None: nothing lies in local files."""
        return None

    async def delete(self, stored: StoredObject) -> None:
        """Remove the bytes, once the last reader of this process is done with them."""
        key = (stored.object_id, stored.generation)
        if self._readers[key]:
            self._doomed[key] = stored
        else:
            await self._remove(stored)

    async def close(self) -> None:
        """Finish removals under way; connections of the client library close themselves."""
        if self._removing:
            await asyncio.wait(self._removing)
        if self._ranges is not None:
            self._ranges.close()

    async def _read_extent(
        self, stored: StoredObject, wanted: ExtentSlice
    ) -> AsyncGenerator[bytes | memoryview, None]:
        """One request where possible; an answer that breaks off is taken up where it ended."""
        name = extent_name(stored.object_id, stored.generation, wanted.index)
        what = f"extent {wanted.index} of {stored.object_id}"
        at, failures = wanted.start, 0
        if self._ranges is not None:
            try:
                async with aclosing(self._ranges.read(name, at, wanted.stop)) as pieces:
                    async for piece in pieces:
                        at += len(piece)
                        yield piece
            except OSError as error:
                log.info("the client library is asked for %s from %d on: %s", what, at, error)
        while at < wanted.stop:
            try:
                async with aclosing(self._request(name, what, at, wanted.stop)) as chunks:
                    async for chunk in chunks:
                        at += len(chunk)
                        failures = 0
                        yield chunk
            except UnavailableError:
                failures += 1
                if failures > BREAKS_MAX:
                    raise
                continue
            if at < wanted.stop:
                raise UnavailableError(f"{what} is too short")

    async def _request(
        self, name: str, what: str, start: int, stop: int
    ) -> AsyncGenerator[bytes, None]:
        if stop - start <= PIECE_BYTES:
            with telling(what):
                yield bytes(
                    await obstore.get_range_async(self._bucket, name, start=start, end=stop)
                )
            return
        with telling(what):
            options: GetOptions = {"range": (start, stop)}
            answer = await obstore.get_async(self._bucket, name, options=options)
        pieces = answer.stream(min_chunk_size=CHUNK_BYTES)
        coming = asyncio.create_task(_next(pieces))
        try:
            while True:
                with telling(what):
                    chunk = await coming
                if chunk is None:
                    return
                coming = asyncio.create_task(_next(pieces))
                for at in range(0, len(chunk), PIECE_BYTES):
                    yield chunk[at : at + PIECE_BYTES]
        finally:
            coming.cancel()

    async def _exists(self, object_id: str, generation: int) -> bool:
        with telling(f"{object_id} cannot be looked up"):
            try:
                await obstore.head_async(self._bucket, manifest_name(object_id, generation))
            except FileNotFoundError:
                return False
        return True

    def _leave(self, key: Key) -> None:
        self._readers[key] -= 1
        if self._readers[key]:
            return
        del self._readers[key]
        stored = self._doomed.get(key)
        if stored is not None:
            task = asyncio.create_task(self._remove_doomed(stored))
            self._removing.add(task)
            task.add_done_callback(self._removing.discard)

    async def _remove_doomed(self, stored: StoredObject) -> None:
        try:
            await self._remove(stored)
        finally:
            del self._doomed[stored.object_id, stored.generation]

    async def _remove(self, stored: StoredObject) -> None:
        """The manifest goes first: what a crash leaves behind is then known as rubbish."""
        names = [manifest_name(stored.object_id, stored.generation)]
        names += [
            extent_name(stored.object_id, stored.generation, index)
            for index in range(extent_count(stored))
        ]
        for name in names:
            with telling(f"{stored.object_id} could not be removed"):
                try:
                    await obstore.delete_async(self._bucket, name)
                except FileNotFoundError:
                    continue


async def _next(pieces: BytesStream) -> bytes | None:
    """The next chunk, or None at the end."""
    try:
        return bytes(await anext(pieces))
    except StopAsyncIteration:
        return None


def open_bucket(settings: ObjectStoreSettings) -> S3Store:
    """The bucket of an S3 service; nothing is asked of it yet."""
    return S3Store(
        settings.bucket,
        prefix=settings.prefix or None,
        endpoint=settings.endpoint,
        access_key_id=settings.access_key_id,
        secret_access_key=settings.secret,
        region=settings.region,
        virtual_hosted_style_request=False,
        client_options={
            "allow_http": settings.endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=settings.connect_timeout_seconds),
            "timeout": timedelta(seconds=settings.request_timeout_seconds),
        },
        retry_config={
            "max_retries": settings.retries_max,
            "retry_timeout": timedelta(seconds=settings.request_timeout_seconds),
            "backoff": {
                "init_backoff": timedelta(milliseconds=50),
                "max_backoff": timedelta(seconds=2),
                "base": 2,
            },
        },
    )


async def open_object_store(
    settings: ObjectStoreSettings, extent_bytes: int = EXTENT_BYTES_DEFAULT
) -> ObjectByteStore:
    """The store over an S3 service. Raises UnavailableError when it does not answer, or when the
    bucket is not there or may not be read."""
    bucket = open_bucket(settings)
    try:
        with telling(f"bucket {settings.bucket} at {settings.endpoint}"):
            await obstore.head_async(bucket, "cinedge")
    except NotFoundError:
        # Of a bucket that is missing the service says the same; a list tells the difference.
        with telling(f"bucket {settings.bucket} at {settings.endpoint}"):
            await bucket.list_with_delimiter_async("cinedge")
    expires_in = timedelta(seconds=SIGNED_SECONDS)
    ranges = open_range_client(
        settings.endpoint,
        lambda name: obstore.sign(bucket, "GET", name, expires_in),
        time.monotonic,
        connect_seconds=settings.connect_timeout_seconds,
        silence_seconds=settings.request_timeout_seconds,
    )
    return ObjectByteStore(bucket, extent_bytes, ranges)

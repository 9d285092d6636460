"""Parts of objects in a bucket: the contract of `origin.store.resumable` over an S3 service.

Extents are stored where they will be read from, each as one object, as soon as they are full;
they are small, because the one that comes in is in memory. What there is of an unfinished extent
becomes a *tail* with every `sync`, in a room of its own beside a mark that says that an upload has
begun. Tails stay until the upload has ended, so that going back needs nothing else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import datetime, timedelta
from typing import Final

import google_crc32c
import obstore
from obstore.store import ObjectStore as Bucket

from cdnkit.errors import NotFoundError
from origin.store.base import StoredObject
from origin.store.crc32c import Piece, extend_crc32c
from origin.store.extents import extent_count, extent_name
from origin.store.object_errors import telling
from origin.store.object_manifest import Manifest, format_manifest, manifest_name
from origin.store.resumable import Identity, PartState
from origin.store.sums import PIECE_BYTES

KEPT_DIR: Final = ".kept"
MARK: Final = "begun"
SUM: Final = "crc32c"
"""The attribute of an extent that tells its checksum."""

STORING_MAX: Final = 2
"""Full extents on their way to the bucket while the next one comes in."""

EXTENT_BYTES_MAX: Final = 8 * 1024 * 1024
SYNC_BYTES: Final = 32 * 1024 * 1024
"""Between two tails: what a crash of the process costs, against writing bytes twice."""

LOOKS_AT_ONCE: Final = 16
YOUNG: Final = timedelta(hours=1)
"""Marks younger than this may be of an upload that another process has just begun."""


class ObjectPart:
    """A part on its way to a bucket."""

    def __init__(self, bucket: Bucket, identity: Identity, state: PartState, held: bytes) -> None:
        self._bucket = bucket
        self._identity = identity
        self._state = state
        self._offset = state.offset
        self._sums = list(state.crc32c[:-1] if held else state.crc32c)
        self._gathered: list[Piece] = [held] if held else []
        self._gathered_bytes = len(held)
        self._gathered_sum = google_crc32c.value(held)
        self._storing: deque[asyncio.Task[None]] = deque()

    @property
    def offset(self) -> int:
        """Where the next byte goes in the object."""
        return self._offset

    async def put(self, piece: Piece) -> None:
        """Append. Raises StorageFullError, UnavailableError."""
        while piece:
            room_bytes = self._state.extent_bytes - self._gathered_bytes
            head, piece = piece[:room_bytes], piece[room_bytes:]
            self._gathered.append(head)
            self._gathered_bytes += len(head)
            self._gathered_sum = extend_crc32c(self._gathered_sum, head)
            self._offset += len(head)
            if self._gathered_bytes == self._state.extent_bytes:
                await self._begin_storing()

    def sync(self) -> Awaitable[PartState]:
        """Make durable what was put before the call."""
        return self._sync(self._now(), b"".join(self._gathered), list(self._storing))

    async def finish(self) -> PartState:
        """Store what there is of the last extent as all of it."""
        state = self._now()
        if self._gathered_bytes or not state.crc32c:
            state = PartState(state.extent_bytes, state.start, state.offset, state.crc32c or (0,))
            await self._begin_storing()
        while self._storing:
            await self._finish_one()
        return state

    async def close(self) -> None:
        """Let what is on its way arrive."""
        await asyncio.gather(*self._storing, return_exceptions=True)
        self._storing.clear()

    def _now(self) -> PartState:
        sums = [*self._sums, self._gathered_sum] if self._gathered_bytes else self._sums
        return PartState(self._state.extent_bytes, self._state.start, self._offset, tuple(sums))

    async def _begin_storing(self) -> None:
        while len(self._storing) >= STORING_MAX:
            await self._finish_one()
        data = b"".join(self._gathered)
        index = (self._offset - 1) // self._state.extent_bytes if data else 0
        name = extent_name(*self._identity, index)
        self._storing.append(
            asyncio.create_task(_store(self._bucket, name, data, self._gathered_sum))
        )
        self._sums.append(self._gathered_sum)
        self._gathered.clear()
        self._gathered_bytes = self._gathered_sum = 0

    async def _finish_one(self) -> None:
        await asyncio.shield(self._storing[0])
        self._storing.popleft()

    async def _sync(
        self, state: PartState, tail: bytes, storing: list[asyncio.Task[None]]
    ) -> PartState:
        for task in storing:
            await asyncio.shield(task)
        if tail:
            name = tail_name(self._identity, state)
            await _store(self._bucket, name, tail, state.crc32c[-1])
        return state


class ObjectParts:
    """The parts side of a store in a bucket. `now` knows its time zone."""

    extent_bytes_max: Final = EXTENT_BYTES_MAX
    sync_bytes: Final = SYNC_BYTES

    def __init__(self, bucket: Bucket, now: Callable[[], datetime]) -> None:
        self._bucket = bucket
        self._now = now

    async def open_part(self, identity: Identity, state: PartState) -> ObjectPart:
        """Begin a part, or go on. Raises NotFoundError, UnavailableError."""
        within = state.offset % state.extent_bytes
        if state.offset == state.start:
            await _store(self._bucket, f"{room_of(identity)}/{MARK}", b"", 0)
            return ObjectPart(self._bucket, identity, state, b"")
        held = await self._fetch(tail_name(identity, state)) if within else b""
        if within and google_crc32c.value(held) != state.crc32c[-1]:
            raise NotFoundError(f"the unfinished bytes of {identity[0]} are lost")
        return ObjectPart(self._bucket, identity, state, held)

    async def read(
        self, identity: Identity, extent_bytes: int, start: int, stop: int
    ) -> AsyncIterator[bytes]:
        """Yield `[start, stop)`, each extent verified first. Raises NotFoundError."""
        while start < stop:
            index, within = divmod(start, extent_bytes)
            data = await self._fetch(extent_name(*identity, index))
            end = min(stop - start + within, extent_bytes)
            if len(data) < end:
                raise NotFoundError(f"extent {index} of {identity[0]} is too short")
            for at in range(within, end, PIECE_BYTES):
                yield data[at : min(end, at + PIECE_BYTES)]
            start += end - within

    async def assemble(self, stored: StoredObject) -> None:
        """Say that the object exists. Raises NotFoundError when an extent is missing."""
        limit = asyncio.Semaphore(LOOKS_AT_ONCE)

        async def look(index: int) -> None:
            name = extent_name(stored.object_id, stored.generation, index)
            async with limit:
                with telling(f"extent {index} of {stored.object_id}"):
                    found = await obstore.head_async(self._bucket, name)
                extent_bytes = stored.extent_bytes
                if found["size"] != min(extent_bytes, stored.size_bytes - index * extent_bytes):
                    raise NotFoundError(f"extent {index} of {stored.object_id} is not whole")

        await asyncio.gather(*map(look, range(extent_count(stored))))
        manifest = format_manifest(Manifest(stored, "", ()))
        with telling(f"{stored.object_id} could not be announced"):
            name = manifest_name(stored.object_id, stored.generation)
            await obstore.put_async(self._bucket, name, manifest)

    async def discard(self, identity: Identity, extents: range | None = None) -> None:
        """Forget extents; those of an object that exists are no longer ours."""
        if extents is None:
            if not await self._exists(manifest_name(*identity)):
                await self._drop_extents(_stem(identity))
            await self._drop_room(room_of(identity))
            return
        for path in [path async for path, _ in self._paths(room_of(identity))]:
            digits = path.rpartition("/")[2].partition("-")[0]
            if digits.isdigit() and int(digits) in extents:
                await self._drop(path)
        if not await self._exists(manifest_name(*identity)):
            for index in extents:
                await self._drop(extent_name(*identity, index))

    async def keep_only(self, known: Collection[Identity]) -> int:
        """Forget the parts of all other objects, but those that may just have begun."""
        kept = {room_of(identity) for identity in known}
        with telling("unfinished uploads"):
            rooms = (await self._bucket.list_with_delimiter_async(KEPT_DIR))["common_prefixes"]
        dropped = 0
        for room in rooms:
            if room in kept or await self._is_young(room):
                continue
            stem = f"{room.rpartition('/')[2][:2]}/{room.rpartition('/')[2]}"
            if not await self._exists(f"{stem}-manifest"):
                dropped += await self._drop_extents(stem)
            dropped += await self._drop_room(room)
        return dropped

    async def _is_young(self, room: str) -> bool:
        ages = [changed async for _, changed in self._paths(room)]
        return bool(ages) and self._now() - max(ages) < YOUNG

    async def _fetch(self, name: str) -> bytes:
        """An object whose bytes are what its checksum says. Raises NotFoundError."""
        with telling(name):
            answer = await obstore.get_async(self._bucket, name)
            data = bytes(await answer.bytes_async())
        if str(google_crc32c.value(data)) != answer.attributes.get(SUM):
            raise NotFoundError(f"{name} is not what was stored")
        return data

    async def _exists(self, name: str) -> bool:
        with telling(name):
            try:
                await obstore.head_async(self._bucket, name)
            except FileNotFoundError:
                return False
        return True

    async def _paths(self, folder: str) -> AsyncIterator[tuple[str, datetime]]:
        with telling(folder):
            async for some in obstore.list(self._bucket, folder):
                for each in some:
                    yield each["path"], each["last_modified"]

    async def _drop_extents(self, stem: str) -> int:
        folder = stem.partition("/")[0]
        paths = [path async for path, _ in self._paths(folder)]
        mine = [path for path in paths if path.rpartition("-")[0] == stem]
        for path in mine:
            await self._drop(path)
        return len(mine)

    async def _drop_room(self, room: str) -> int:
        """The mark goes last: without it nobody would come back for the rest."""
        paths = sorted([path async for path, _ in self._paths(room)])
        for path in paths:
            await self._drop(path)
        return len(paths) - 1 if paths else 0

    async def _drop(self, path: str) -> None:
        with telling(f"{path} could not be removed"):
            try:
                await obstore.delete_async(self._bucket, path)
            except FileNotFoundError:
                return


def room_of(identity: Identity) -> str:
    """Where tails and mark of an unfinished object are."""
    return f"{KEPT_DIR}/{_stem(identity).partition('/')[2]}"


def tail_name(identity: Identity, state: PartState) -> str:
    """Where the first bytes of an unfinished extent wait."""
    index, within = divmod(state.offset, state.extent_bytes)
    return f"{room_of(identity)}/{index}-{within}"


def _stem(identity: Identity) -> str:
    return extent_name(*identity, 0).rpartition("-")[0]


async def _store(bucket: Bucket, name: str, data: bytes, crc32c: int) -> None:
    with telling(f"{name} could not be written"):
        await obstore.put_async(bucket, name, data, attributes={SUM: str(crc32c)})

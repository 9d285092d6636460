"""An intake over a store in memory and a database in a file; request bodies that obey a test."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cdnkit.errors import CinedgeError, IncompleteBodyError
from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url
from origin.catalog.uploads import UploadRow, UploadRows
from origin.resumable.draft import Dialect
from origin.resumable.finish import Finisher
from origin.resumable.heads import AppendHead
from origin.resumable.intake import Intake
from origin.resumable.rules import Rules, Wish
from origin.resumable.transfer import Chunk, ChunkCheck
from origin.store.memory import MemoryStore
from tests.helpers.clock import FakeClock

EXTENT_BYTES = 1000
OWNER = "studio"
KEY = "films/a.mp4"


class Body:
    """A request body: what was put into it, until its end or its cut."""

    def __init__(self, *pieces: bytes, ends: bool = True) -> None:
        self._queue: asyncio.Queue[bytes | CinedgeError] = asyncio.Queue()
        self._error: CinedgeError | None = None
        self.waiting = asyncio.Event()
        for piece in pieces:
            self.send(piece)
        if ends:
            self.end()

    def send(self, piece: bytes) -> None:
        self._queue.put_nowait(piece)

    def end(self) -> None:
        self._queue.put_nowait(b"")

    def cut(self) -> None:
        self._queue.put_nowait(IncompleteBodyError("the connection ended before the body"))

    def interrupt(self, error: CinedgeError) -> None:
        self._error = error
        self._queue.put_nowait(error)

    async def read(self) -> bytes:
        if self._error is not None:
            raise self._error
        if self._queue.empty():
            self.waiting.set()
        found = await self._queue.get()
        if isinstance(found, CinedgeError):
            raise found
        return found


def chunk_of(body: Body, checks: tuple[ChunkCheck, ...] = ()) -> Chunk:
    head = AppendHead(Dialect.TUS, 0, None, None, None, checks)
    return Chunk(body.read, body.interrupt, 0, head.ends_upload, checks)


@dataclass(frozen=True, slots=True)
class Site:
    """Everything an intake stands on."""

    intake: Intake
    rows: UploadRows
    catalog: Catalog
    store: Any
    clock: FakeClock

    async def create(self, length: int | None, **wish: Any) -> UploadRow:
        return await self.intake.create(Wish(OWNER, key=KEY, length_bytes=length, **wish))

    async def append(
        self, upload_id: str, offset: int, body: Body, checks: tuple[ChunkCheck, ...] = ()
    ) -> UploadRow:
        """What a PATCH does, to the end."""
        turn = await self.intake.take_over(upload_id, OWNER)
        row = await self.intake.prepare(turn, offset, None, {})
        row = await self.intake.append(turn, row, chunk_of(body, checks))
        return await self.intake.finished(row)

    async def offset(self, upload_id: str) -> int:
        """What a HEAD does."""
        return (await self.intake.take_over(upload_id, OWNER)).row.received_bytes

    async def bytes_of(self, key: str = KEY) -> bytes:
        row = self.catalog.objects.get(key)
        assert row is not None
        pieces = self.store.read(row.stored, 0, row.size_bytes)
        return b"".join([piece async for piece in pieces])


@asynccontextmanager
async def open_site(
    folder: Path,
    store: MemoryStore | None = None,
    clock: FakeClock | None = None,
    **rules: Any,
) -> AsyncIterator[Site]:
    """An intake; with the same folder and store once more, what a restart keeps."""
    clock = clock or FakeClock()
    store = store or MemoryStore(EXTENT_BYTES)
    catalog = await open_catalog(parse_database_url("", folder), clock)
    rows = UploadRows(catalog.database)
    bounds = Rules(EXTENT_BYTES, **{"object_bytes_max": 1_000_000, **rules})
    finisher = Finisher(
        catalog, store, store.parts, rows, lifetime=lambda: clock() + bounds.lifetime_seconds
    )
    first = len(await rows.holding_bytes())
    names = (f"upload-{n:08}" for n in itertools.count(first))
    intake = Intake(rows, store.parts, finisher, bounds, now=clock, make_id=lambda: next(names))
    await intake.start()
    try:
        yield Site(intake, rows, catalog, store, clock)
    finally:
        await intake.close()
        await rows.close()
        await catalog.close()

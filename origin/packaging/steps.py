"""The steps of the line for real: the packaging process, the store, the edges."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from origin.catalog.catalog import Catalog
from origin.catalog.jobs import JobRow
from origin.packaging.boxes import UnplayableError
from origin.packaging.conversation import converse
from origin.packaging.deposit import Deposit
from origin.packaging.placing import count_holding
from origin.packaging.start import prefix_of
from origin.packaging.subtitles import load_subtitles
from origin.store.base import ByteStore, StoredObject
from origin.sweeper import Holds

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the topology asks of packages."""

    scratch: Path
    extent_bytes: int
    segment_seconds: float
    rungs: tuple[str, ...]
    pictures: bool
    router_url: str
    edge_urls: tuple[str, ...]
    placed_edges: int


class RealSteps:
    """Verify, package, place."""

    def __init__(self, catalog: Catalog, store: ByteStore, holds: Holds, wishes: Wishes) -> None:
        self._catalog = catalog
        self._store = store
        self._holds = holds
        self._wishes = wishes

    async def verify(self, row: JobRow, progress: Progress) -> dict[str, Any]:
        """Facts of the source."""
        return await self._converse(row, progress, {"mode": "verify"})

    async def package(self, row: JobRow, progress: Progress) -> dict[str, Any]:
        """Every file of the package."""
        wishes = self._wishes
        await asyncio.to_thread(wishes.scratch.mkdir, parents=True, exist_ok=True)
        job = {
            "mode": "package",
            "scratch": str(wishes.scratch),
            "settings": {
                "segment_seconds": wishes.segment_seconds,
                "rungs": wishes.rungs,
                "pictures": wishes.pictures,
                "router_url": wishes.router_url,
                "prefix": prefix_of(row.title_id, row.revision),
                "subtitles": await load_subtitles(
                    row.title_id, self._catalog, self._store, self._holds
                ),
            },
        }
        return await self._converse(row, progress, job)

    async def place(self, row: JobRow) -> str:
        """Empty when enough edges hold the beginning of the film and its playlists."""
        needed = min(self._wishes.placed_edges, len(self._wishes.edge_urls))
        if not needed:
            return ""
        wanted = {}
        for name in ("progressive", "hls", "dash"):
            found = self._catalog.objects.get(row.package[name])
            if found is None:
                raise UnplayableError("a file of the package was deleted")
            wanted[found.key] = (found.size_bytes, found.etag)
        async with aiohttp.ClientSession() as session:
            holding = await count_holding(self._wishes.edge_urls, wanted, session)
        if holding >= needed:
            return ""
        return f"{holding} of {needed} edges hold the first blocks"

    async def _converse(
        self, row: JobRow, progress: Progress, job: dict[str, Any]
    ) -> dict[str, Any]:
        source = self._source_of(row)
        deposit = Deposit(
            self._catalog,
            self._store,
            self._wishes.extent_bytes,
            prefix_of(row.title_id, row.revision),
        )

        async def read(start: int, stop: int) -> AsyncIterator[bytes | memoryview]:
            if stop > source.size_bytes:
                raise UnplayableError("the packaging process asks for bytes behind the end")
            reading = self._store.read(source, start, stop)
            async with aclosing(reading) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    yield piece

        with self._holds.hold(source):
            return await converse({**job, "size_bytes": source.size_bytes}, read, deposit, progress)

    def _source_of(self, row: JobRow) -> StoredObject:
        source = self._catalog.objects.get(row.source_key)
        if source is None or source.generation != row.source_generation:
            raise UnplayableError(
                f"the upload {row.source_key!r} was replaced or deleted; package the title again"
            )
        return source.stored

"""From received bytes to a published object, once: digests, placing, publishing, clearing up.

Decides the order. The object and the end of the upload are one transaction, so that finishing
again, in this process or another, finds it done; whatever fails before leaves the upload received,
to be finished later.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import CinedgeError, PreconditionFailedError
from origin.catalog.catalog import Catalog
from origin.catalog.records import ObjectRow
from origin.catalog.uploads import UploadRow, UploadRows, save
from origin.ingest.session import UploadEvent, step
from origin.resumable.errors import SupersededError
from origin.resumable.fingerprint import Fingerprint, sha256_of
from origin.resumable.outcome import (
    REFUSALS,
    announced,
    announced_algorithms,
    check_conditions,
    object_members,
    problem_members,
)
from origin.store.base import ByteStore, Receipt, StoredObject
from origin.store.resumable import PartStore


class Finisher:
    """Publishes received uploads of one origin."""

    def __init__(
        self,
        catalog: Catalog,
        store: ByteStore,
        parts: PartStore,
        rows: UploadRows,
        lifetime: Callable[[], float],
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._parts = parts
        self._rows = rows
        self._lifetime = lifetime

    async def finish(self, row: UploadRow, fingerprint: Fingerprint | None) -> UploadRow:
        """Publish a received upload, or refuse it for good; the row as it stands then.

        Raises SupersededError when another process is at it, UnavailableError, StorageFullError.
        """
        parts = await self._rows.find_all(row.parts)
        try:
            published = await self._publish(row, parts, fingerprint)
        except tuple(REFUSALS.values()) as error:
            published = await self._refuse(row, error)
        if row.parts and not row.batch:
            for part in parts:
                await self._parts.discard(part.identity)
        await self._parts.discard(row.identity)
        return published

    async def _publish(
        self, row: UploadRow, parts: Sequence[UploadRow], fingerprint: Fingerprint | None
    ) -> UploadRow:
        is_copied = bool(row.parts) and not row.batch
        wanted = announced_algorithms(row)
        if fingerprint is None or not fingerprint.covers(wanted):
            fingerprint = Fingerprint(wanted)
        if not is_copied:
            await fingerprint.catch_up(lambda at: self._bytes_of(row, at))
        else:
            await fingerprint.catch_up(lambda at: self._bytes_of_parts(parts, at))
        fingerprint.require(announced(row))
        stored = StoredObject(*row.identity, row.offset_bytes, row.extent_bytes)
        await self._catalog.note_unpublished(stored)
        receipt = Receipt(stored, sha256_of(fingerprint), tuple(row.crc32c))
        if is_copied:
            receipt = await self._copy(stored, parts)
        else:
            await self._parts.assemble(stored)
        done: list[UploadRow] = []
        replaced: list[ObjectRow | None] = []

        async def mark(connection: AsyncConnection, published: ObjectRow) -> None:
            outcome = {"object": object_members(published), "is_new": replaced[-1] is None}
            ended = self._ended(row, UploadEvent.VOUCHED, outcome)
            if not await save(connection, ended):
                raise SupersededError("another request finishes this upload")
            done.append(ended)

        def check(current: ObjectRow | None) -> None:
            check_conditions(row, current)
            replaced.append(current)

        try:
            await self._catalog.publish(receipt, row.content_type, check, mark)
        except PreconditionFailedError:
            await self._parts.discard(row.identity)
            await self._store.delete(stored)
            await self._catalog.forget_garbage(stored)
            raise
        return done[-1]

    async def _copy(self, stored: StoredObject, parts: Sequence[UploadRow]) -> Receipt:
        """Parts that could be anywhere are written once more, where they belong."""
        await self._store.delete(stored)  # of an attempt that a crash ended
        writer = await self._store.create(stored.object_id, stored.generation, stored.size_bytes)
        try:
            async for piece in self._bytes_of_parts(parts, 0):
                await writer.write(piece)
            return await writer.commit()
        except BaseException:
            await writer.abort()
            raise

    async def _refuse(self, row: UploadRow, error: CinedgeError) -> UploadRow:
        ended = self._ended(row, UploadEvent.FAILED, problem_members(error))
        if not await self._rows.save(ended):
            raise SupersededError("another request finishes this upload")
        return ended

    def _ended(self, row: UploadRow, event: UploadEvent, outcome: Mapping[str, Any]) -> UploadRow:
        return dataclasses.replace(
            row,
            state=step(row.upload_state, event).value,
            outcome=outcome,
            expires_at=self._lifetime(),
        )

    def _bytes_of(self, row: UploadRow, at: int) -> AsyncIterator[bytes]:
        return self._parts.read(row.identity, row.extent_bytes, at, row.offset_bytes)

    async def _bytes_of_parts(self, parts: Sequence[UploadRow], at: int) -> AsyncIterator[bytes]:
        assert at == 0, "nothing was hashed of parts that lie anywhere"
        for part in parts:
            async for piece in self._parts.read(
                part.identity, part.extent_bytes, part.start_bytes, part.offset_bytes
            ):
                yield piece

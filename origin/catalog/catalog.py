"""What is published, in memory in front of SQL: reads come from maps, writes go through one door.

Publishing is one transaction (object row, journal row, garbage note of what it replaces); the maps
follow after the commit and before anybody is woken, so a follower of the journal always finds what
it was told of. With the database gone, reads go on and writes raise UnavailableError. How
bytes are kept is the store's business; when they are deleted is the sweeper's.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.wire import ChangeKind
from origin.catalog import queries
from origin.catalog.database import Database, open_database
from origin.catalog.journal import TAIL_CHANGES, Journal
from origin.catalog.ordered import OrderedMap
from origin.catalog.records import (
    Change,
    Garbage,
    ObjectRow,
    TitleRow,
    format_object_etag,
    format_title_etag,
)
from origin.store.base import Receipt, StoredObject

UNPUBLISHED_SECONDS: Final = 3600.0
"""How long committed bytes may wait for their row before they count as left by a crash."""

GRACE_SECONDS: Final = 3600.0
"""How long replaced bytes stay for readers of other processes; our own hold them by themselves."""

T = TypeVar("T")
ObjectCheck = Callable[[ObjectRow | None], None]
TitleCheck = Callable[[TitleRow | None], None]


class Catalog:
    """Objects, titles and the journal. Made by `open_catalog`."""

    def __init__(
        self,
        database: Database,
        objects: OrderedMap[ObjectRow],
        titles: OrderedMap[TitleRow],
        journal: Journal,
        now: Callable[[], float],
    ) -> None:
        self.database = database
        self.objects = objects
        self.titles = titles
        self.journal = journal
        self._now = now
        self._order = asyncio.Lock()
        self._writes: set[asyncio.Task[object]] = set()

    async def reserve(self, key: str) -> int:
        """A generation for an upload of `key`, never given out before. Raises UnavailableError."""
        return await self._write(
            lambda connection: queries.next_generation(connection, key), lambda _: None
        )

    async def note_unpublished(self, stored: StoredObject) -> None:
        """Note bytes about to be committed: a crash before `publish` must leave no orphan."""
        due_at = self._now() + UNPUBLISHED_SECONDS
        await self._write(
            lambda connection: queries.save_garbage(connection, stored, due_at), lambda _: None
        )

    async def publish(
        self, receipt: Receipt, content_type: str, check: ObjectCheck
    ) -> tuple[ObjectRow, bool]:
        """Make stored bytes the content of their key; True beside it when the key is new.

        `check` sees the row being replaced inside the transaction and refuses by raising.
        Raises UnavailableError.
        """
        now = self._now()
        stored = receipt.stored
        key = stored.object_id
        sha256 = receipt.sha256.hex()

        async def work(connection: AsyncConnection) -> tuple[ObjectRow, bool, Change]:
            last = await queries.lock_generation(connection, key)
            current = await queries.find_object(connection, key)
            check(current)
            generation = stored.generation
            if generation != last:
                generation = await queries.next_generation(connection, key)
            row = ObjectRow(
                key=key,
                generation=generation,
                stored_generation=stored.generation,
                size_bytes=stored.size_bytes,
                extent_bytes=stored.extent_bytes,
                content_type=content_type,
                sha256=sha256,
                etag=format_object_etag(generation, sha256),
                created_at=now,
            )
            await queries.save_object(connection, row, receipt.extent_crc32c)
            await queries.drop_garbage(connection, stored)
            if current is not None:
                await queries.save_garbage(connection, current.stored, now + GRACE_SECONDS)
            detail = {"size_bytes": row.size_bytes}
            change = await queries.record_change(connection, ChangeKind.PUBLISH, row, now, detail)
            return row, current is None, change

        def apply(result: tuple[ObjectRow, bool, Change]) -> None:
            self.objects.put(key, result[0])
            self.journal.append(result[2])

        row, is_new, _ = await self._write(work, apply)
        return row, is_new

    async def delete(self, key: str, check: ObjectCheck) -> None:
        """Unpublish `key`; `check` sees its row, or None, and refuses by raising."""
        now = self._now()

        async def work(connection: AsyncConnection) -> Change | None:
            await queries.lock_generation(connection, key)
            current = await queries.find_object(connection, key)
            check(current)
            if current is None:
                return None
            await queries.drop_object(connection, key)
            await queries.save_garbage(connection, current.stored, now + GRACE_SECONDS)
            return await queries.record_change(connection, ChangeKind.DELETE, current, now, {})

        def apply(change: Change | None) -> None:
            if change is not None:
                self.objects.remove(key)
                self.journal.append(change)

        await self._write(work, apply)

    async def put_title(self, title_id: str, body: str, check: TitleCheck) -> tuple[TitleRow, bool]:
        """Save a title's JSON text; True beside it when the title is new."""
        now = self._now()
        sha256 = hashlib.sha256(body.encode()).hexdigest()

        async def work(connection: AsyncConnection) -> tuple[TitleRow, bool]:
            current = await queries.find_title(connection, title_id)
            check(current)
            version = 1 if current is None else current.version + 1
            row = TitleRow(title_id, body, version, now, format_title_etag(version, sha256))
            await queries.save_title(connection, row)
            return row, current is None

        return await self._write(work, lambda result: self.titles.put(title_id, result[0]))

    async def delete_title(self, title_id: str, check: TitleCheck) -> None:
        """Remove a title; `check` sees its row, or None, and refuses by raising."""

        async def work(connection: AsyncConnection) -> None:
            check(await queries.find_title(connection, title_id))
            await queries.drop_title(connection, title_id)

        await self._write(work, lambda _: self.titles.remove(title_id))

    async def changes_after(self, sequence: int, limit: int) -> list[Change]:
        """Up to `limit` changes that follow `sequence`; UnavailableError only for old ones."""
        found = self.journal.after(sequence, limit)
        if found is not None:
            return found
        async with self.database.begin() as connection:
            return await queries.load_changes(connection, sequence, limit)

    async def list_garbage(self) -> list[Garbage]:
        """Bytes that wait to be deleted, the earliest first. Raises UnavailableError."""
        async with self.database.begin() as connection:
            return await queries.load_garbage(connection)

    async def forget_garbage(self, stored: StoredObject) -> None:
        """Bytes are deleted. Raises UnavailableError."""
        await self._write(
            lambda connection: queries.drop_garbage(connection, stored), lambda _: None
        )

    async def close(self) -> None:
        """Finish writes under way, let journal followers go, close the database."""
        self.journal.close()
        if self._writes:
            await asyncio.wait(self._writes)
        await self.database.close()

    async def _write(
        self, work: Callable[[AsyncConnection], Awaitable[T]], apply: Callable[[T], None]
    ) -> T:
        """Commit `work`, then `apply` its result to memory, in commit order, even if cancelled."""

        async def transact() -> T:
            async with self._order:
                async with self.database.begin() as connection:
                    result = await work(connection)
                apply(result)
                return result

        task = asyncio.create_task(transact())
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        return await asyncio.shield(task)


async def open_catalog(
    url: sa.URL, now: Callable[[], float], tail_changes: int = TAIL_CHANGES
) -> Catalog:
    """Migrate the database and load it into memory. Raises UnavailableError."""
    database = await open_database(url)
    try:
        async with database.begin() as connection:
            objects = await queries.load_objects(connection)
            titles = await queries.load_titles(connection)
            tail = await queries.load_newest_changes(connection, tail_changes)
    except BaseException:
        await database.close()
        raise
    floor = tail[0].sequence - 1 if tail else 0
    return Catalog(
        database,
        OrderedMap((row.key, row) for row in objects),
        OrderedMap((row.title_id, row) for row in titles),
        Journal(tail, floor, tail_changes),
        now,
    )

"""What is published, in memory in front of SQL: reads come from maps, writes go through one door.

Publishing is one transaction (object row, journal row, garbage note of what it replaces); the maps
follow after the commit and before anybody is woken, so a follower of the journal always finds what
it was told of. What other processes commit to the same database is taken in by `catch_up`, in the
order of its numbers; `origin.catalog.follow` says when. With the database gone, reads go on and
writes raise UnavailableError. How bytes are kept is the store's business; when they are deleted is
the sweeper's.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import UnavailableError
from cdnkit.wire import ChangeKind
from origin.catalog import queries
from origin.catalog.database import Database, open_database
from origin.catalog.journal import TAIL_CHANGES, Journal
from origin.catalog.ordered import OrderedMap
from origin.catalog.progress import Progress
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

CATCH_UP_ROWS: Final = 1000
"""Changes of others that are taken in at a time."""

GRACE_SECONDS: Final = 3600.0
"""How long replaced bytes stay for readers of other processes; our own hold them by themselves."""

T = TypeVar("T")
ObjectCheck = Callable[[ObjectRow | None], None]
TitleCheck = Callable[[TitleRow | None], None]
AlsoWrite = Callable[[AsyncConnection, ObjectRow], Awaitable[None]]
AlsoAnnounce = Callable[[AsyncConnection, Change], Awaitable[None]]


class Catalog:
    """Objects, titles and the journal. Made by `open_catalog`."""

    def __init__(
        self,
        database: Database,
        objects: OrderedMap[ObjectRow],
        titles: OrderedMap[TitleRow],
        journal: Journal,
        titles_seen: int,
        now: Callable[[], float],
    ) -> None:
        self.database = database
        self.objects = objects
        self.titles = titles
        self.journal = journal
        self.titles_progress = Progress(titles_seen)
        self._now = now
        self._order = asyncio.Lock()
        self._writes: set[asyncio.Task[object]] = set()

    async def reserve(self, key: str) -> int:
        """A generation for an upload of `key`, never given out before. Raises UnavailableError."""
        # A number lost in a power cut is known nowhere: what is kept under it is noted first.
        return await self._write(
            lambda connection: queries.next_generation(connection, key), is_lasting=False
        )

    async def note_unpublished(self, stored: StoredObject) -> None:
        """Note bytes about to be committed: a crash before `publish` must leave no orphan."""
        due_at = self._now() + UNPUBLISHED_SECONDS
        await self._write(lambda connection: queries.save_garbage(connection, stored, due_at))

    async def publish(
        self,
        receipt: Receipt,
        content_type: str,
        check: ObjectCheck,
        also: AlsoWrite | None = None,
    ) -> tuple[ObjectRow, bool]:
        """Make stored bytes the content of their key; True beside it when the key is new.

        `check` sees the row being replaced inside the transaction and refuses by raising; `also`
        writes in the same transaction. Raises UnavailableError.
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
            if also is not None:
                await also(connection, row)
            change = await queries.record_change(connection, ChangeKind.PUBLISH, row, now, detail)
            return row, current is None, change

        def apply(result: tuple[ObjectRow, bool, Change]) -> bool:
            self.objects.put(key, result[0])
            return self._append(result[2])

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

        def apply(change: Change | None) -> bool:
            if change is None:
                return True
            self.objects.remove(key)
            return self._append(change)

        await self._write(work, apply)

    async def announce(
        self, kind: ChangeKind, detail: dict[str, Any], also: AlsoAnnounce
    ) -> Change:
        """Tell the followers of the journal something that is about no single object.

        `also` writes in the same transaction, given the entry. Raises UnavailableError.
        """
        now = self._now()

        async def work(connection: AsyncConnection) -> Change:
            change = await queries.record_order(connection, kind, now, detail)
            await also(connection, change)
            return change

        return await self._write(work, self._append)

    async def put_title(self, title_id: str, body: str, check: TitleCheck) -> tuple[TitleRow, bool]:
        """Save a title's JSON text; True beside it when the title is new."""
        now = self._now()
        sha256 = hashlib.sha256(body.encode()).hexdigest()

        async def work(connection: AsyncConnection) -> tuple[TitleRow, bool, int]:
            # First of all: a new title has no row that a second writer could be made to wait for.
            sequence = await queries.next_sequence(connection, queries.TITLES)
            current = await queries.find_title(connection, title_id)
            check(current)
            version = 1 if current is None else current.version + 1
            row = TitleRow(title_id, body, version, now, format_title_etag(version, sha256))
            await queries.save_title(connection, row)
            await queries.record_title_change(connection, title_id, sequence)
            return row, current is None, sequence

        def apply(result: tuple[TitleRow, bool, int]) -> bool:
            self.titles.put(title_id, result[0])
            return self._advance_titles(result[2])

        row, is_new, _ = await self._write(work, apply)
        return row, is_new

    async def delete_title(self, title_id: str, check: TitleCheck) -> None:
        """Remove a title; `check` sees its row, or None, and refuses by raising."""

        async def work(connection: AsyncConnection) -> int:
            sequence = await queries.next_sequence(connection, queries.TITLES)
            check(await queries.find_title(connection, title_id))
            await queries.drop_title(connection, title_id)
            await queries.record_title_change(connection, title_id, sequence)
            return sequence

        def apply(sequence: int) -> bool:
            self.titles.remove(title_id)
            return self._advance_titles(sequence)

        await self._write(work, apply)

    async def catch_up(self) -> int:
        """Take in what others have committed; how many changes. Raises UnavailableError."""
        async with self._order:
            return await self._catch_up()

    async def changes_after(self, sequence: int, limit: int) -> list[Change]:
        """Up to `limit` changes that follow `sequence`; UnavailableError only for old ones."""
        found = self.journal.after(sequence, limit)
        if found is not None:
            return found
        return await self.database.transact(
            lambda connection: queries.load_changes(connection, sequence, limit)
        )

    async def list_garbage(self) -> list[Garbage]:
        """Bytes that wait to be deleted, the earliest first. Raises UnavailableError."""
        return await self.database.transact(queries.load_garbage)

    async def forget_garbage(self, stored: StoredObject) -> None:
        """Bytes are deleted. Raises UnavailableError."""
        await self._write(lambda connection: queries.drop_garbage(connection, stored))

    async def close(self) -> None:
        """Finish writes under way, let journal followers go, close the database."""
        self.journal.close()
        if self._writes:
            await asyncio.wait(self._writes)
        await self.database.close()

    def _append(self, change: Change) -> bool:
        """Add to the journal, unless changes of others come first."""
        if change.sequence != self.journal.last + 1:
            return False
        self.journal.append(change)
        return True

    def _advance_titles(self, sequence: int) -> bool:
        if sequence != self.titles_progress.reached + 1:
            return False
        self.titles_progress.advance(sequence)
        return True

    async def _catch_up(self) -> int:
        taken = 0
        while count := await self._take_objects() + await self._take_titles():
            taken += count
        return taken

    async def _take_objects(self) -> int:
        """Some changes of others. The rows may be newer than the entries told of: those follow."""

        async def work(connection: AsyncConnection) -> tuple[list[Change], list[ObjectRow]]:
            counters = await queries.load_counters(connection)
            if counters[queries.JOURNAL] <= self.journal.last:
                return [], []
            changes = await queries.load_changes(connection, self.journal.last, CATCH_UP_ROWS)
            keys = {change.key for change in changes}
            return changes, await queries.find_objects(connection, list(keys))

        changes, rows = await self.database.transact(work)
        keys = {change.key for change in changes}
        for row in rows:
            self.objects.put(row.key, row)
        for key in keys.difference(row.key for row in rows):
            self.objects.remove(key)
        for change in changes:
            self.journal.append(change)
        return len(changes)

    async def _take_titles(self) -> int:
        seen = self.titles_progress.reached

        async def work(connection: AsyncConnection) -> tuple[dict[str, int], list[TitleRow]]:
            counters = await queries.load_counters(connection)
            if counters[queries.TITLES] <= seen:
                return {}, []
            changed = dict(await queries.load_title_changes(connection, seen, CATCH_UP_ROWS))
            return changed, await queries.find_titles(connection, list(changed))

        changed, rows = await self.database.transact(work)
        for row in rows:
            self.titles.put(row.title_id, row)
        for title_id in changed.keys() - {row.title_id for row in rows}:
            self.titles.remove(title_id)
        self.titles_progress.advance(max(changed.values(), default=seen))
        return len(changed)

    async def _write(
        self,
        work: Callable[[AsyncConnection], Awaitable[T]],
        apply: Callable[[T], bool] = lambda _: True,
        *,
        is_lasting: bool = True,
    ) -> T:
        """Commit `work`, then `apply` its result to memory, in commit order, even if cancelled.

        `apply` answers False when other processes' changes have to be taken in first.
        """

        async def transact() -> T:
            async with self._order:
                async with self.database.begin(is_lasting=is_lasting) as connection:
                    result = await work(connection)
                if not apply(result):
                    # It is committed whatever happens here; the follower tries again.
                    with suppress(UnavailableError):
                        await self._catch_up()
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
            # Numbers first: rows that others commit meanwhile are newer, and are told again.
            tail = await queries.load_newest_changes(connection, tail_changes)
            name = await queries.load_journal_name(connection)
            titles_seen = (await queries.load_counters(connection))[queries.TITLES]
            objects = await queries.load_objects(connection)
            titles = await queries.load_titles(connection)
    except BaseException:
        await database.close()
        raise
    floor = tail[0].sequence - 1 if tail else 0
    return Catalog(
        database,
        OrderedMap((row.key, row) for row in objects),
        OrderedMap((row.title_id, row) for row in titles),
        Journal(tail, floor, tail_changes, name),
        titles_seen,
        now,
    )

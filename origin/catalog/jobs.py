"""Where titles stand on their way to viewers: rows, and who works on which.

A row is worked on by one process at a time, which holds it until `leased_until` and renews that
with every word of progress; a row whose time has come is taken up by whoever asks first, after a
crash too. Steps and their order are for `origin.packaging`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.database import Database
from origin.catalog.tables import packaging

T = TypeVar("T")

NEVER: Final = 1e15
"""`leased_until` of a row with nothing left to do."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """One title on its way."""

    title_id: str
    source_key: str
    source_generation: int
    revision: int
    """Grows with every new start; part of the keys of the package."""
    state: str
    progress: float = 0.0
    reason: str = ""
    attempts: int = 0
    package: Mapping[str, Any] = field(default_factory=dict)
    published: Mapping[str, Any] = field(default_factory=dict)
    """The package that viewers get, which may be an older one."""
    worker: str = ""
    leased_until: float = 0.0
    updated_at: float = 0.0


Change = Callable[[JobRow | None], JobRow | None]
"""The row as it is now to the row as it shall be; None leaves it."""


class Jobs:
    """The rows. Every call raises UnavailableError when the database does not answer."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def find(self, title_id: str) -> JobRow | None:
        """The row of a title."""
        async with self._database.reading() as connection:
            return await _find(connection, title_id)

    async def page(self, state: str, after: str, limit: int, prefix: str = "") -> list[JobRow]:
        """Rows in the order of their titles; of one state, unless it is empty."""
        statement = sa.select(packaging).where(packaging.c.title_id > after)
        if prefix:
            # LIKE would not tell capitals from small letters everywhere.
            beginning = sa.func.substr(packaging.c.title_id, 1, len(prefix))
            statement = statement.where(beginning == prefix)
        if state:
            statement = statement.where(packaging.c.state == state)
        return await self._select(statement.order_by(packaging.c.title_id).limit(limit))

    async def among(self, title_ids: Collection[str]) -> list[JobRow]:
        """The rows of those of a few titles that have one."""
        return await self._select(sa.select(packaging).where(packaging.c.title_id.in_(title_ids)))

    async def by_source(self, key: str) -> list[JobRow]:
        """The rows whose film is the object `key`."""
        return await self._select(sa.select(packaging).where(packaging.c.source_key == key))

    async def change(self, title_id: str, make: Change) -> JobRow | None:
        """Replace a row by what `make` says of it, in one transaction; the row as it is then."""
        try:
            return await self._change(title_id, make)
        except IntegrityError:
            # Somebody else made the row in the same moment; now it is there.
            return await self._change(title_id, make)

    async def _change(self, title_id: str, make: Change) -> JobRow | None:
        async def work(connection: AsyncConnection) -> JobRow | None:
            current = await _find(connection, title_id, for_update=True)
            following = make(current)
            if following is None:
                return current
            following = replace(following, updated_at=self._now())
            await _save(connection, following, is_new=current is None)
            return following

        return await self._database.transact(work)

    async def claim(self, worker: str, lease_seconds: float) -> JobRow | None:
        """Take up the row that waits longest, for `lease_seconds`; None when none waits."""
        now = self._now()
        waiting = (
            sa.select(packaging)
            .where(packaging.c.leased_until <= now)
            .order_by(packaging.c.leased_until)
            .limit(1)
            .with_for_update(skip_locked=True)
        )

        async def work(connection: AsyncConnection) -> JobRow | None:
            found = (await connection.execute(waiting)).one_or_none()
            if found is None:
                return None
            row = replace(JobRow(*found), worker=worker, leased_until=now + lease_seconds)
            await _save(connection, row, is_new=False)
            return row

        return await self._database.transact(work)

    async def free(self, worker: str) -> None:
        """Let go what `worker` held when it last ended."""
        statement = (
            sa.update(packaging)
            .where(packaging.c.worker == worker, packaging.c.leased_until < NEVER)
            .values(worker="", leased_until=self._now())
        )
        await self._database.transact(lambda connection: connection.execute(statement))

    async def _select(self, statement: sa.Select[Any]) -> list[JobRow]:
        async with self._database.reading() as connection:
            return [JobRow(*row) for row in await connection.execute(statement)]


async def _find(
    connection: AsyncConnection, title_id: str, for_update: bool = False
) -> JobRow | None:
    statement = sa.select(packaging).where(packaging.c.title_id == title_id)
    if for_update:
        statement = statement.with_for_update()
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else JobRow(*row)


async def _save(connection: AsyncConnection, row: JobRow, *, is_new: bool) -> None:
    values = {name: getattr(row, name) for name in JobRow.__dataclass_fields__}
    if is_new:
        await connection.execute(sa.insert(packaging).values(values))
    else:
        changed = sa.update(packaging).where(packaging.c.title_id == row.title_id)
        await connection.execute(changed.values(values))

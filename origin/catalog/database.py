"""The connection to the catalog's database: opening, migrating, transactions, failing clearly.

A transaction writes (`begin`, `transact`) or only reads (`reading`); what viewers' bytes depend on
is answered from memory by `catalog`. Whatever the driver raises becomes UnavailableError here, so
that nothing above knows which database it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from cdnkit.errors import UnavailableError
from origin.catalog.log_sync import LogSync, sync_file

T = TypeVar("T")

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_BUSY_TIMEOUT_MS: Final = 5000
_TURN_SECONDS: Final = 10.0
"""Longest wait of a writer for those before it."""
_MIGRATION_LOCK: Final = 0x63696E65646765
"""Any number that nothing else in the database locks ("cinedge")."""
_READS: Final = "cinedge_reads"
_READING: Final[dict[str, dict[str, Any]]] = {
    "sqlite": {_READS: True},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}
"""Execution options of transactions that only read."""
_ASYNC_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}

_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "postgresql": {
        # A server that was restarted costs a question, not a failed write.
        "pool_pre_ping": True,
        "connect_args": {"timeout": 5, "command_timeout": 60},
    }
}


def parse_database_url(text: str, data: Path) -> sa.URL:
    """The URL to open: SQLite under `data` when `text` is empty, async drivers filled in."""
    if not text:
        return sa.URL.create("sqlite+aiosqlite", database=str(data / "catalog.sqlite"))
    url = sa.make_url(text)
    return url.set(drivername=_ASYNC_DRIVERS.get(url.drivername, url.drivername))


class Database:
    """An opened, migrated database.

    `sync` makes a file durable, where this program has to see to it: SQLite's log.
    """

    def __init__(self, engine: AsyncEngine, sync: Callable[[str], None] = sync_file) -> None:
        self._engine = engine
        self._reader = engine.execution_options(**_READING[engine.url.get_backend_name()])
        url = engine.url
        is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
        self._file = Path(str(url.database)) if is_file else None
        self._turn = asyncio.Lock()
        self._log = None if self._file is None else LogSync(partial(sync, f"{self._file}-wal"))

    @property
    def dialect(self) -> str:
        """ "sqlite" or "postgresql": where a statement has no portable form."""
        return self._engine.dialect.name

    @asynccontextmanager
    async def begin(self, *, is_lasting: bool = True) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed at the end, rolled back by an exception.

        Others see it before the disk has it, and the end of this block tells that it has. What
        is not `is_lasting` may be undone by a power cut until one that is follows; SQLite then
        waits for no disk. Raises UnavailableError when the database does not answer.
        """
        async with self._writing(), self._begin(self._engine) as connection:
            yield connection
        if is_lasting and self._log is not None:
            try:
                await self._log.wait()
            except OSError as error:
                raise UnavailableError("the catalog's disk does not take its log") from error

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that sees one moment, writes nothing and waits for no writer.

        Raises UnavailableError when the database does not answer.
        """
        async with self._begin(self._reader) as connection:
            yield connection

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        """Where there can be one writer: those of this process go one by one, first come first.

        SQLite has no queue. Who finds it locked sleeps up to 0.1 s and looks again, so that eight
        writers over a slow disk leave one of them out until its time is up.
        """
        if self.dialect != "sqlite":
            yield
            return
        try:
            async with asyncio.timeout(_TURN_SECONDS):
                await self._turn.acquire()
        except TimeoutError as error:
            reason = "too much is being written"
            raise UnavailableError(reason, retry_after_seconds=1) from error
        try:
            yield
        finally:
            self._turn.release()

    @asynccontextmanager
    async def _begin(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        reason = self.missing()
        if reason is not None:
            raise UnavailableError(reason)
        try:
            async with engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except (SQLAlchemyError, OSError) as error:
            raise UnavailableError("the catalog's database does not answer") from error

    @asynccontextmanager
    async def listening(
        self, channel: str, wake: Callable[[], object]
    ) -> AsyncIterator[Callable[[], bool]]:
        """Call `wake` whenever another process tells something on `channel`.

        Yields a question: whether the connection is lost, after which nothing more is heard;
        SQLite has no such channel and never loses it. Raises UnavailableError.
        """
        if self.dialect != "postgresql":
            yield lambda: False
            return
        try:
            async with self._engine.connect() as connection:
                driver: Any = (await connection.get_raw_connection()).driver_connection
                try:
                    await driver.add_listener(channel, lambda *_: wake())
                except Exception as error:  # of the driver, which only PostgreSQL needs installed
                    raise UnavailableError("the catalog's database does not answer") from error
                driver.add_termination_listener(lambda *_: wake())
                try:
                    yield driver.is_closed
                finally:
                    # It would go on listening in the pool.
                    await connection.invalidate()
        except (SQLAlchemyError, OSError) as error:
            raise UnavailableError("the catalog's database does not answer") from error

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do `work` in one transaction, to its end even when the caller is cancelled.

        A caller that ends in the middle of a statement would leave the database locked. Raises
        UnavailableError.
        """

        async def transact() -> T:
            async with self.begin() as connection:
                return await work(connection)

        task = asyncio.create_task(transact())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            raise

    def missing(self) -> str | None:
        """Why there is no database, as far as a look at the file tells; None when it is there.

        SQLite goes on writing into a file that was unlinked under it; those writes would be lost.
        """
        if self._file is not None and not self._file.exists():
            return "the catalog's database file is gone"
        return None

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()
        if self._log is not None:
            self._log.close()


async def open_database(url: sa.URL, sync: Callable[[str], None] = sync_file) -> Database:
    """Connect and bring the schema up to date; `sync` as of Database. Raises UnavailableError."""
    engine = create_async_engine(url, **_OPTIONS.get(url.get_backend_name(), {}))
    if url.get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_immediate)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    except (SQLAlchemyError, OSError) as error:
        await engine.dispose()
        raise UnavailableError(f"the catalog's database cannot be opened: {error}") from error
    return Database(engine, sync)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    # The wait first: switching to WAL already needs the lock.
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # The log is synced after each transaction that has to last, by `Database.begin` and not by
    # the statement that commits: that would hold up all other writers meanwhile.
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _begin_immediate(connection: sa.Connection) -> None:
    # A deferred transaction that reads first fails instead of waiting when it then writes.
    reads = connection.get_execution_options().get(_READS, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _upgrade(connection: sa.Connection) -> None:
    migrate(connection, "head")


def migrate(connection: sa.Connection, revision: str) -> None:
    """Bring the schema up, or down, to a revision; one process at a time."""
    if connection.dialect.name == "postgresql":
        # Processes that start together must not create the same tables; SQLite locks anyway.
        lock = sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)
        connection.execute(sa.select(lock))
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    revisions = [each.revision for each in script.walk_revisions()][::-1]
    target = script.get_current_head() if revision == "head" else revision
    place: dict[str | None, int] = {
        None: 0,
        "base": 0,
        **{name: n for n, name in enumerate(revisions, 1)},
    }
    if current not in place:
        raise UnavailableError(f"the catalog's database has schema {current}, newer than this")
    if place[target] >= place[current]:
        command.upgrade(config, revision)
    else:
        command.downgrade(config, revision)

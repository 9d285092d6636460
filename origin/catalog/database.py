"""The connection to the catalog's database: opening, migrating, transactions, failing clearly.

Every transaction is one that writes; reads are answered from memory by `catalog`. Whatever the
driver raises becomes UnavailableError here, so that nothing above knows which database it is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from cdnkit.errors import UnavailableError

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_BUSY_TIMEOUT_MS: Final = 5000
_MIGRATION_LOCK: Final = 0x63696E65646765
"""Any number that nothing else in the database locks ("cinedge")."""
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
    """An opened, migrated database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        url = engine.url
        is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
        self._file = Path(str(url.database)) if is_file else None

    @property
    def dialect(self) -> str:
        """ "sqlite" or "postgresql": where a statement has no portable form."""
        return self._engine.dialect.name

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed at the end, rolled back by an exception.

        Raises UnavailableError when the database does not answer.
        """
        reason = self.missing()
        if reason is not None:
            raise UnavailableError(reason)
        try:
            async with self._engine.begin() as connection:
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


async def open_database(url: sa.URL) -> Database:
    """Connect and bring the schema up to date. Raises UnavailableError."""
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
    return Database(engine)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    # The wait first: switching to WAL already needs the lock.
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # An upload answered with 201 has to survive a power cut; WAL's default would not sync.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _begin_immediate(connection: sa.Connection) -> None:
    # A deferred transaction that reads first fails instead of waiting when it then writes.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


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

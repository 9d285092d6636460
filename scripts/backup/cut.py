"""One moment of the catalog, while origins go on: a copy of its database, and what it names.

SQLite is copied by its own means within one reading transaction; of PostgreSQL, pg_dump and the
list of objects are given the same snapshot.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from cdnkit.errors import UnavailableError
from origin.catalog import queries
from origin.catalog.tables import counters, objects
from origin.store.base import StoredObject
from scripts.backup.folder import CATALOGS, BackedUp

_COLUMNS: Final = ("key", "stored_generation", "size_bytes", "extent_bytes", "sha256")
_OBJECTS: Final = sa.select(*(objects.c[name] for name in (*_COLUMNS, "extent_crc32c"))).order_by(
    objects.c.key
)
_LIBPQ: Final = {"ssl": "sslmode", "host": "host"}
"""Parts of a URL's query that PostgreSQL's own programs know, maybe by another name."""
_JOURNAL: Final = sa.select(counters.c.value).where(counters.c.name == queries.JOURNAL)


@dataclass(frozen=True, slots=True)
class Cut:
    """The objects of that moment, and the number of the newest entry of the journal."""

    objects: list[BackedUp]
    journal: int


def cut_sqlite(database: Path, backup: Path) -> Cut:
    """Copy the file into `backup`. Raises UnavailableError."""
    target = backup / CATALOGS["sqlite"]
    try:
        # Not read-only: after an orderly end there is no log, which reading then has to make.
        source = sqlite3.connect(f"file:{quote(str(database))}?mode=rw", uri=True, timeout=30)
        with closing(source), closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise UnavailableError(f"{database} is damaged: {verdict}")
            rows = copy.execute(
                f"SELECT {', '.join(_COLUMNS)}, extent_crc32c FROM objects"
            ).fetchall()
            (journal,) = copy.execute(
                "SELECT value FROM counters WHERE name = ?", (queries.JOURNAL,)
            ).fetchone()
    except sqlite3.Error as error:
        raise UnavailableError(f"{database} cannot be copied: {error}") from error
    return Cut(_backed_up((*row[:-1], json.loads(row[-1])) for row in sorted(rows)), journal)


async def cut_postgres(url: sa.URL, backup: Path) -> Cut:
    """Dump the database into `backup` with pg_dump. Raises UnavailableError."""
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            connection = await connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            snapshot = await connection.scalar(sa.select(sa.func.pg_export_snapshot()))
            rows = (await connection.execute(_OBJECTS)).all()
            journal = await connection.scalar(_JOURNAL)
            target = backup / CATALOGS["postgresql"]
            await asyncio.to_thread(
                run_program,
                ("pg_dump", "--format=custom", "--no-owner", "--no-privileges",
                 f"--snapshot={snapshot}", f"--file={target}"),
                url,
            )  # fmt: skip
    except (SQLAlchemyError, OSError) as error:
        raise UnavailableError(f"the database cannot be read: {error}") from error
    finally:
        await engine.dispose()
    return Cut(_backed_up(rows), int(journal or 0))


def run_program(words: Iterable[str], url: sa.URL) -> None:
    """Run one of PostgreSQL's own programs on a database. Raises UnavailableError.

    The password goes by the environment: everybody may read a command line.
    """
    query = {_LIBPQ[name]: value for name, value in url.query.items() if name in _LIBPQ}
    plain = sa.URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
    command = [*words, f"--dbname={plain.render_as_string()}"]
    password = {"PGPASSWORD": url.password} if url.password else {}
    try:
        done = subprocess.run(
            command, env={**os.environ, **password}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise UnavailableError(
            f"{command[0]} is not installed here; it comes with PostgreSQL's client programs"
        ) from error
    if done.returncode != 0:
        raise UnavailableError(f"{command[0]} failed: {done.stderr.strip()}")


def _backed_up(rows: Iterable[Any]) -> list[BackedUp]:
    return [BackedUp(StoredObject(*row[:4]), row[4], tuple(row[5])) for row in rows]

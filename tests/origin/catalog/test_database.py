"""Opening, migrating and failing of the database."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from cdnkit.errors import UnavailableError
from origin.catalog.database import open_database, parse_database_url
from origin.catalog.tables import metadata


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("", "sqlite+aiosqlite"),
        ("sqlite:///x.db", "sqlite+aiosqlite"),
        ("postgresql://u:p@db/cinedge", "postgresql+asyncpg"),
        ("postgresql+psycopg://db/cinedge", "postgresql+psycopg"),
    ],
)
def test_url_gets_an_async_driver(text: str, driver: str) -> None:
    assert parse_database_url(text, Path("data")).drivername == driver


def test_default_database_lies_under_data() -> None:
    assert parse_database_url("", Path("data")).database == "data/catalog.sqlite"


async def test_migrations_make_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    database = await open_database(parse_database_url("", tmp_path))

    def differences(connection: sa.Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with database.begin() as connection:
        assert await connection.run_sync(differences) == []
    await database.close()


async def test_sqlite_is_durable_strict_and_shared(tmp_path: Path) -> None:
    database = await open_database(parse_database_url("", tmp_path))
    async with database.begin() as connection:
        facts = {
            name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        }
    assert facts == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "synchronous": 2,
        "busy_timeout": 5000,
    }
    await database.close()


async def test_opening_twice_migrates_once(tmp_path: Path) -> None:
    url = parse_database_url("", tmp_path)
    first = await open_database(url)
    second = await open_database(url)
    async with second.begin() as connection:
        rows = await connection.exec_driver_sql("SELECT version_num FROM alembic_version")
        assert len(rows.all()) == 1
    await first.close()
    await second.close()


async def test_failed_transaction_is_rolled_back(tmp_path: Path) -> None:
    database = await open_database(parse_database_url("", tmp_path))
    insert = sa.text("INSERT INTO generations (key, last) VALUES ('a', 1)")

    async def fail() -> None:
        async with database.begin() as connection:
            await connection.execute(insert)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.begin() as connection:
        found = await connection.execute(sa.text("SELECT * FROM generations"))
        assert found.all() == []
    await database.close()


async def test_missing_file_is_unavailable_not_a_lost_write(tmp_path: Path) -> None:
    database = await open_database(parse_database_url("", tmp_path))
    assert database.missing() is None
    (tmp_path / "catalog.sqlite").unlink()
    assert database.missing() is not None
    with pytest.raises(UnavailableError):
        async with database.begin():
            pytest.fail("no transaction may begin")
    await database.close()


async def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(UnavailableError, match="cannot be opened"):
        await open_database(parse_database_url("", tmp_path))

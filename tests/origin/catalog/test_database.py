"""Opening, migrating and failing of the database."""

from __future__ import annotations

import asyncio
import shutil
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from cdnkit.errors import UnavailableError
from origin.catalog import claims as _registers_the_table_of_jobs  # noqa: F401
from origin.catalog import queries
from origin.catalog.database import migrate, open_database, parse_database_url
from origin.catalog.tables import metadata
from origin.domains import app as _registers_the_tables_of_domains  # noqa: F401
from tests.helpers.postgres import Postgres, postgres_server


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


async def test_migrations_make_the_tables_that_the_code_uses(database_url: str) -> None:
    database = await open_database(parse_database_url(database_url, Path()))

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
        "synchronous": 1,
        "busy_timeout": 5000,
    }
    await database.close()


INSERT = sa.text("INSERT INTO generations (key, last) VALUES (:key, 1)")
KEYS = sa.text("SELECT key FROM generations ORDER BY key")


async def keys_in(folder: Path) -> list[str]:
    database = await open_database(parse_database_url("", folder))
    async with database.reading() as connection:
        keys = list((await connection.execute(KEYS)).scalars())
    await database.close()
    return keys


async def test_what_has_to_last_is_in_the_log_when_that_is_synced(tmp_path: Path) -> None:
    def save_a_copy(log: str) -> None:
        copy = tmp_path / f"copy-{len(list(tmp_path.iterdir()))}"
        copy.mkdir()
        for path in (log.removesuffix("-wal"), log):
            shutil.copy(path, copy)
        copies.append(copy)

    copies: list[Path] = []
    database = await open_database(parse_database_url("", tmp_path), save_a_copy)
    for key, is_lasting in (("a", True), ("b", False), ("c", False), ("d", True)):
        async with database.begin(is_lasting=is_lasting) as connection:
            await connection.execute(INSERT, {"key": key})
    await database.close()
    assert [await keys_in(copy) for copy in copies] == [["a"], ["a", "b", "c", "d"]]


async def test_writers_do_not_wait_for_each_others_disk(tmp_path: Path) -> None:
    let_go = threading.Event()
    synced: list[str] = []

    def sync(log: str) -> None:
        let_go.wait()
        synced.append(log)

    database = await open_database(parse_database_url("", tmp_path), sync)

    async def write(key: str) -> None:
        async with database.begin() as connection:
            await connection.execute(INSERT, {"key": key})

    writing = [asyncio.ensure_future(write(f"key-{n:02}")) for n in range(20)]
    seen: list[str] = []
    while len(seen) < len(writing):
        async with database.reading() as connection:
            seen = list((await connection.execute(KEYS)).scalars())
    assert not any(task.done() for task in writing), "none is told before the disk has it"
    let_go.set()
    await asyncio.gather(*writing)
    assert len(synced) <= 2, "one for whoever was first, one for all others"
    await database.close()


async def test_a_disk_that_fails_is_told_to_all_who_waited_and_the_next_asks_anew(
    tmp_path: Path,
) -> None:
    def sync(_: str) -> None:
        if answers.pop(0):
            raise OSError("no disk")

    answers = [True, False]
    database = await open_database(parse_database_url("", tmp_path), sync)
    with pytest.raises(UnavailableError):
        async with database.begin() as connection:
            await connection.execute(INSERT, {"key": "a"})
    async with database.begin() as connection:
        await connection.execute(INSERT, {"key": "b"})
    await database.close()
    assert await keys_in(tmp_path) == ["a", "b"]


async def test_opening_twice_migrates_once(database_url: str) -> None:
    url = parse_database_url(database_url, Path())
    first = await open_database(url)
    second = await open_database(url)
    async with second.begin() as connection:
        rows = await connection.exec_driver_sql("SELECT version_num FROM alembic_version")
        assert len(rows.all()) == 1
    await first.close()
    await second.close()


async def test_failed_transaction_is_rolled_back(database_url: str) -> None:
    database = await open_database(parse_database_url(database_url, Path()))
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


ROWS: dict[str, list[dict[str, Any]]] = {
    "generations": [{"key": "films/a.mp4", "last": 3}, {"key": "gone", "last": 1}],
    "objects": [
        {
            "key": "films/a.mp4",
            "generation": 3,
            "stored_generation": 2,
            "size_bytes": 2**40,
            "extent_bytes": 2**26,
            "content_type": "video/mp4",
            "sha256": "0a" * 32,
            "etag": '"3-0a"',
            "extent_crc32c": "[1, 4294967295]",
            "created_at": 1.5,
        }
    ],
    "titles": [
        {"id": "t", "body": '{"title":"Ünï"}', "version": 1, "updated_at": 2.5, "etag": "e"}
    ],
    "changes": [
        {
            "sequence": number,
            "at": 1.0,
            "kind": "publish",
            "key": "films/a.mp4",
            "generation": number,
            "etag": "e",
            "detail": "{}",
        }
        for number in (1, 2, 3)
    ],
    "garbage": [
        {"object_id": "gone", "generation": 1, "size_bytes": 1, "extent_bytes": 1, "due_at": 9.0}
    ],
}


async def test_migrations_go_up_and_down_with_data_in_it(database_url: str) -> None:
    """The rows of the first schema are there after every step, and new ones can be numbered."""
    database = await open_database(parse_database_url(database_url, Path()))

    def fill(connection: sa.Connection) -> None:
        for name, rows in ROWS.items():
            columns = list(rows[0])
            json = {"extent_crc32c", "detail"}
            values = ", ".join(
                f"CAST(:{c} AS JSON)" if c in json and pg else f":{c}" for c in columns
            )
            statement = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({values})"
            connection.execute(sa.text(statement), rows)

    def rows_of(connection: sa.Connection) -> dict[str, int]:
        found = {}
        for name, rows in ROWS.items():
            keys = [key for key in rows[0] if key not in ("extent_crc32c", "detail")]
            got = connection.execute(sa.text(f"SELECT {', '.join(keys)} FROM {name} ORDER BY 1"))
            assert [dict(row._mapping) for row in got] == [
                {key: row[key] for key in keys} for row in rows
            ]
            found[name] = len(rows)
        return found

    pg = database.dialect == "postgresql"
    async with database.begin() as connection:
        await connection.run_sync(migrate, "0001")
        await connection.run_sync(fill)
        await connection.run_sync(migrate, "head")
        await connection.run_sync(rows_of)
        assert await queries.load_counters(connection) == {"changes": 3, "titles": 0}
    async with database.begin() as connection:
        await connection.run_sync(migrate, "0001")
        await connection.run_sync(rows_of)
        insert = (
            "INSERT INTO changes (at, kind, key, generation, etag, detail) "
            "VALUES (1.0, 'purge', 'k', 1, 'e', '{}') RETURNING sequence"
        )
        assert (await connection.execute(sa.text(insert))).scalar_one() == 4
    async with database.begin() as connection:
        await connection.run_sync(migrate, "head")
        assert await queries.next_sequence(connection, queries.JOURNAL) == 5
        await connection.run_sync(migrate, "base")
        names = await connection.run_sync(lambda each: sa.inspect(each).get_table_names())
        assert names == ["alembic_version"]
        await connection.run_sync(migrate, "head")
    await database.close()


async def test_processes_that_start_together_migrate_once(database_url: str) -> None:
    url = parse_database_url(database_url, Path())
    databases = await asyncio.gather(*(open_database(url) for _ in range(4)))
    async with databases[0].begin() as connection:
        assert await queries.load_counters(connection) == {"changes": 0, "titles": 0}
    for database in databases:
        await database.close()


async def test_schema_of_a_newer_release_is_refused(database_url: str) -> None:
    url = parse_database_url(database_url, Path())
    database = await open_database(url)
    async with database.begin() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()
    with pytest.raises(UnavailableError, match="9999"):
        await open_database(url)


async def test_what_one_tells_another_hears(postgres: Postgres) -> None:
    database = await open_database(parse_database_url(postgres.create_database(), Path()))
    heard = asyncio.Event()
    async with database.listening("things", heard.set) as is_lost:
        async with database.begin() as connection:
            await connection.execute(sa.text("SELECT pg_notify('things', '')"))
        async with asyncio.timeout(5):
            await heard.wait()
        assert not is_lost()
        heard.clear()
        async with database.begin() as connection:
            await connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid != pg_backend_pid() AND datname = current_database()"
                )
            )
        async with asyncio.timeout(5):
            await heard.wait()
        assert is_lost()
    await database.close()


async def test_server_that_is_gone_is_unavailable_and_found_again() -> None:
    with postgres_server() as server:
        database = await open_database(parse_database_url(server.create_database(), Path()))
        server.stop(signal.SIGQUIT)
        with pytest.raises(UnavailableError):
            async with database.begin() as connection:
                await connection.execute(sa.text("SELECT 1"))
        with pytest.raises(UnavailableError):
            async with database.listening("things", lambda: None):
                pytest.fail("nobody is there to listen to")
        server.start()
        async with database.begin() as connection:
            assert (await connection.execute(sa.text("SELECT 1"))).scalar_one() == 1
        await database.close()


async def test_readers_wait_for_no_writer_and_see_one_moment(database_url: str) -> None:
    database = await open_database(parse_database_url(database_url, Path()))
    count = sa.text("SELECT count(*) FROM generations")
    async with database.reading() as reader:
        assert (await reader.execute(count)).scalar() == 0
        async with database.begin() as writer:
            await writer.execute(sa.text("INSERT INTO generations (key, last) VALUES ('a', 1)"))
            async with database.reading() as other:
                assert (await other.execute(count)).scalar() == 0
        assert (await reader.execute(count)).scalar() == 0
    async with database.reading() as later:
        assert (await later.execute(count)).scalar() == 1
    await database.close()


async def test_writers_of_sqlite_come_in_the_order_they_asked(tmp_path: Path) -> None:
    database = await open_database(parse_database_url("", tmp_path))
    order: list[int] = []

    async def write(number: int) -> None:
        async with database.begin() as connection:
            order.append(number)
            await connection.execute(sa.select(1))

    await asyncio.gather(*(write(number) for number in range(40)))
    assert order == list(range(40))
    await database.close()


async def test_writer_that_leaves_the_line_holds_up_nobody(tmp_path: Path) -> None:
    database = await open_database(parse_database_url("", tmp_path))
    entered, leave = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with database.begin():
            entered.set()
            await leave.wait()

    async def write() -> None:
        async with database.begin():
            pass

    first = asyncio.create_task(hold())
    await entered.wait()
    gone, third = asyncio.create_task(write()), asyncio.create_task(write())
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    leave.set()
    await asyncio.gather(first, third)
    await database.close()


async def test_reader_of_sqlite_waits_for_no_writer(tmp_path: Path) -> None:
    database = await open_database(parse_database_url("", tmp_path))
    async with database.begin(), database.reading() as connection:
        assert (await connection.execute(sa.select(1))).scalar_one() == 1
    await database.close()


async def test_writer_whose_turn_does_not_come_is_told_to_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("origin.catalog.database._TURN_SECONDS", 0.01)
    database = await open_database(parse_database_url("", tmp_path))
    async with database.begin():
        with pytest.raises(UnavailableError, match="too much is being written"):
            await database.transact(lambda connection: connection.execute(sa.select(1)))
    await database.close()

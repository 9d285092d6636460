"""A copy of the catalog is of one moment, whatever is written meanwhile."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from cdnkit.errors import UnavailableError
from scripts.backup.cut import cut_sqlite, run_program
from tests.helpers.backed_up import FILM, node_in, put_all


def test_rows_and_journal_are_of_one_moment_while_others_write(tmp_path: Path) -> None:
    node = node_in(tmp_path / "here")
    put_all(node, {"a": b"first"})
    database = Path(node.data) / "catalog.sqlite"
    over = threading.Event()
    written = threading.Event()

    def write() -> None:
        """Each transaction adds an object and counts it: no copy may see half of one."""
        with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as catalog:
            number = 0
            while not over.is_set():
                number += 1
                catalog.execute("BEGIN IMMEDIATE")
                catalog.execute("INSERT INTO generations VALUES (?, 1)", (f"k{number}",))
                catalog.execute(
                    "INSERT INTO objects SELECT ?, generation, stored_generation, size_bytes, "
                    "extent_bytes, content_type, sha256, etag, extent_crc32c, created_at "
                    "FROM objects WHERE key = 'a'",
                    (f"k{number}",),
                )
                catalog.execute("UPDATE counters SET value = value + 1 WHERE name = 'changes'")
                catalog.execute("COMMIT")
                written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.wait(60)
        for number in range(10):
            backup = tmp_path / str(number)
            backup.mkdir()
            cut = cut_sqlite(database, backup)
            assert len(cut.objects) == cut.journal > 1
    finally:
        over.set()
        writer.join()


def test_a_copy_is_one_file(tmp_path: Path) -> None:
    node = node_in(tmp_path / "here")
    put_all(node, {"a": FILM})
    (tmp_path / "backup").mkdir()
    cut = cut_sqlite(Path(node.data) / "catalog.sqlite", tmp_path / "backup")
    assert [path.name for path in (tmp_path / "backup").iterdir()] == ["catalog.sqlite"]
    assert [(each.stored.object_id, each.stored.size_bytes) for each in cut.objects] == [
        ("a", len(FILM))
    ]
    assert len(cut.objects[0].extent_crc32c) == len(list(cut.objects[0].extents())) == 3


def test_what_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    database = tmp_path / "catalog.sqlite"
    database.write_bytes(b"these are not rows" * 100)
    (tmp_path / "backup").mkdir()
    with pytest.raises(UnavailableError, match="cannot be copied: file is not a database"):
        cut_sqlite(database, tmp_path / "backup")


def test_a_program_that_is_not_installed_is_named() -> None:
    with pytest.raises(UnavailableError, match="no-such-dump is not installed here"):
        run_program(["no-such-dump"], sa.make_url("postgresql://u@h/d"))


def test_a_password_is_on_no_command_line_and_tls_is_asked_for(tmp_path: Path) -> None:
    program = tmp_path / "shows"
    program.write_text('#!/bin/sh\necho "$@ $PGPASSWORD" >&2\nexit 1\n')
    program.chmod(0o755)
    with pytest.raises(UnavailableError) as failed:
        run_program(
            [str(program), "--x"], sa.make_url("postgresql+asyncpg://u:secret@h/d?ssl=verify-full")
        )
    said = "failed: --x --dbname=postgresql://u@h/d?sslmode=verify-full secret"
    assert failed.value.detail.endswith(said)

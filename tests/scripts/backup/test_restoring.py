"""What was backed up comes back elsewhere, and knows that it did."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cdnkit.errors import ConflictError, UnavailableError
from config.keeping import ObjectStore
from config.topology import OriginNode
from origin.catalog import queries
from scripts.backup.folder import chosen, read_objects
from scripts.backup.restoring import Restored, restore_backup
from tests.helpers.backed_up import FILM, contents_of, elsewhere, node_in, put_all
from tests.helpers.postgres import Postgres, find_programs, postgres_server
from tests.scripts.backup.test_making import NOW, back_up

LATER = NOW + 3600
FILMS = {"films/a": FILM, "films/b": FILM[::-1], "films/empty": b""}


def restore(node: OriginNode, folder: Path, now: float = LATER) -> Restored:
    return restore_backup(node, folder, chosen(folder, None), now)


def tables_of(node: OriginNode) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(Path(node.data) / "catalog.sqlite")) as catalog:
        names = [name for (name,) in catalog.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )]  # fmt: skip
        return {name: sorted(catalog.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)
                for name in names}  # fmt: skip


@pytest.fixture
def node(tmp_path: Path) -> OriginNode:
    made = node_in(tmp_path / "here", volumes=2, copies=2)
    put_all(made, FILMS)
    return made


def test_every_film_comes_back_in_as_many_copies(node: OriginNode, tmp_path: Path) -> None:
    back_up(node, tmp_path / "backups")
    there = elsewhere(node, tmp_path / "there")
    assert restore(there, tmp_path / "backups").objects == 3
    assert contents_of(there) == FILMS
    names = [{path.name for path in (tmp_path / "there").glob(f"v{n}/extents/*/*")} for n in (0, 1)]
    assert names[0] == names[1]
    assert len(names[0]) == 7


def test_nobody_else_may_read_a_restored_catalog(node: OriginNode, tmp_path: Path) -> None:
    back_up(node, tmp_path / "backups")
    there = elsewhere(node, tmp_path / "there")
    restore(there, tmp_path / "backups")
    assert (Path(there.data) / "catalog.sqlite").stat().st_mode & 0o077 == 0


def test_every_row_comes_back_and_the_journal_says_so(node: OriginNode, tmp_path: Path) -> None:
    with closing(sqlite3.connect(Path(node.data) / "catalog.sqlite")) as catalog:
        catalog.execute(
            "INSERT INTO outbox (at, key, kind, account, profile, payload) "
            "VALUES (1, 'k', 'mail', 'a', 'p', '{}')"
        )
        catalog.commit()
    before = tables_of(node)
    back_up(node, tmp_path / "backups")
    there = elsewhere(node, tmp_path / "there")
    restored = restore(there, tmp_path / "backups")
    after = tables_of(there)
    told = [row for row in after.pop("changes") if row not in before["changes"]]
    assert [(row[0], row[2]) for row in told] == [(int(LATER * 1000) + 1, "restored")]
    assert restored.journal == int(LATER * 1000) + 1
    assert (queries.JOURNAL, restored.journal) in after.pop("counters")
    assert after == {name: rows for name, rows in before.items() if name in after}
    assert len(after) >= 30


def test_a_restored_origin_goes_on(node: OriginNode, tmp_path: Path) -> None:
    back_up(node, tmp_path / "backups")
    there = elsewhere(node, tmp_path / "there")
    restore(there, tmp_path / "backups")
    put_all(there, {"films/a": b"another life"})
    back_up(there, tmp_path / "backups", NOW + 1)
    again = elsewhere(node, tmp_path / "again")
    restore(again, tmp_path / "backups", LATER + 1)
    assert contents_of(again)["films/a"] == b"another life"


def test_bytes_of_two_lives_under_one_generation_stay_apart(
    node: OriginNode, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    back_up(node, folder)
    put_all(node, {"films/a": b"first life"})
    back_up(node, folder, NOW + 1)
    there = elsewhere(node, tmp_path / "there")
    restore_backup(there, folder, chosen(folder, "20270115T080000Z"), LATER)
    put_all(there, {"films/a": b"other life"})
    back_up(there, folder, NOW + 2)
    same = {tuple(name for _, name, _ in each.extents()) for backup in folder.glob("2*Z")
            for each in read_objects(backup) if each.stored.generation == 2}  # fmt: skip
    assert len(same) == 1, "both lives gave the film the same generation"
    for name, content in (("20270115T080001Z", b"first life"), ("20270115T080002Z", b"other life")):
        again = elsewhere(node, tmp_path / name)
        restore_backup(again, folder, chosen(folder, name), LATER)
        assert contents_of(again)["films/a"] == content


def test_where_a_catalog_is_nothing_is_overwritten(node: OriginNode, tmp_path: Path) -> None:
    back_up(node, tmp_path / "backups")
    with pytest.raises(ConflictError, match="a catalog already"):
        restore(node, tmp_path / "backups")


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_a_log_of_the_catalog_that_was_moved_aside_is_not_taken_for_one_of_the_new(
    node: OriginNode, tmp_path: Path, suffix: str
) -> None:
    back_up(node, tmp_path / "backups")
    there = elsewhere(node, tmp_path / "there")
    left = Path(there.data) / f"catalog.sqlite{suffix}"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"transactions")
    with pytest.raises(ConflictError, match=f"a catalog already .*{suffix}"):
        restore(there, tmp_path / "backups")
    assert left.read_bytes() == b"transactions"


def test_what_volumes_hold_of_the_lost_life_is_out_of_the_way_and_not_removed(
    tmp_path: Path,
) -> None:
    node = node_in(tmp_path / "here")
    put_all(node, FILMS)
    back_up(node, tmp_path / "backups")
    put_all(node, {"films/a": b"of the lost life"})
    (tmp_path / "here" / "data" / "catalog.sqlite").rename(tmp_path / "moved.sqlite")
    before = {path: path.stat().st_ino for path in (tmp_path / "here").glob("v0/extents/*/*")}
    assert restore(node, tmp_path / "backups").set_aside == 1
    (aside,) = (tmp_path / "here").glob("v0/.before-restore/*")
    assert aside.read_bytes().startswith(b"of the lost life")
    left = {path: path.stat().st_ino for path in (tmp_path / "here").glob("v0/extents/*/*")}
    assert left.items() < before.items(), "what is right already is not copied again"
    assert contents_of(node) == FILMS


def test_bytes_that_only_the_volumes_have_stay(tmp_path: Path) -> None:
    node = node_in(tmp_path / "here", volumes=2)
    put_all(node, FILMS)
    back_up(node, tmp_path / "backups")
    for path in (tmp_path / "backups" / "extents").glob("*/*"):
        path.unlink()
    (tmp_path / "here" / "data" / "catalog.sqlite").rename(tmp_path / "moved.sqlite")
    restored = restore(node, tmp_path / "backups")
    assert (restored.objects, restored.lost, restored.set_aside) == (3, (), 0)
    assert contents_of(node) == FILMS


def test_a_list_of_objects_that_lost_lines_is_refused(node: OriginNode, tmp_path: Path) -> None:
    made = back_up(node, tmp_path / "backups")
    objects = tmp_path / "backups" / made.name / "objects.jsonl"
    objects.write_text(objects.read_text().splitlines(keepends=True)[0])
    there = elsewhere(node, tmp_path / "there")
    with pytest.raises(UnavailableError, match=r"objects\.jsonl is not what was written"):
        restore(there, tmp_path / "backups")
    assert not (Path(there.data) / "catalog.sqlite").exists()


def test_an_interrupted_restore_is_done_again(
    node: OriginNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(node, tmp_path / "backups")
    there = elsewhere(node, tmp_path / "there")

    def die(*_: object) -> Iterator[None]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("scripts.backup.restoring._place_sqlite", die)
        with pytest.raises(KeyboardInterrupt):
            restore(there, tmp_path / "backups")
    assert restore(there, tmp_path / "backups").objects == 3
    assert contents_of(there) == FILMS


def test_the_catalog_of_an_origin_over_an_object_store_comes_back_alone(tmp_path: Path) -> None:
    store = ObjectStore("http://127.0.0.1:1", "films", "id", "secret")
    node = node_in(tmp_path / "here")
    put_all(node, FILMS)
    back_up(replace(node, object_store=store), tmp_path / "backups")
    there = replace(node_in(tmp_path / "there"), object_store=store)
    assert restore(there, tmp_path / "backups").objects == 0
    assert len(tables_of(there)["objects"]) == len(FILMS)
    assert not (tmp_path / "there" / "v0").exists()


def test_a_volume_that_does_not_work_is_done_without(node: OriginNode, tmp_path: Path) -> None:
    back_up(node, tmp_path / "backups")
    there = elsewhere(node, tmp_path / "there")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "v1").touch()
    assert restore(there, tmp_path / "backups").objects == 3
    assert contents_of(there) == FILMS


def test_a_catalog_that_was_changed_is_refused(node: OriginNode, tmp_path: Path) -> None:
    made = back_up(node, tmp_path / "backups")
    with open(tmp_path / "backups" / made.name / "catalog.sqlite", "r+b") as file:
        file.seek(100)
        file.write(b"x")
    with pytest.raises(UnavailableError, match="another backup"):
        restore(elsewhere(node, tmp_path / "there"), tmp_path / "backups")


def test_a_film_whose_backup_is_damaged_is_named_and_the_others_come_back(
    node: OriginNode, tmp_path: Path
) -> None:
    back_up(node, tmp_path / "backups")
    for path in (tmp_path / "backups" / "extents").glob("*/*"):
        if path.read_bytes().startswith(FILM[:100]):
            with open(path, "r+b") as file:
                file.write(bytes(8))
    restored = restore(elsewhere(node, tmp_path / "there"), tmp_path / "backups")
    assert restored.lost == ("films/a",)
    assert restored.objects == 2


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


@pytest.mark.skipif(find_programs() is None, reason="PostgreSQL is not installed")
def test_a_database_of_postgresql_comes_back_too(tmp_path: Path, postgres: Postgres) -> None:
    node = node_in(tmp_path / "here", database=postgres.create_database())
    put_all(node, FILMS)
    back_up(node, tmp_path / "backups")
    put_all(node, {"films/a": b"after the backup"})
    there = node_in(tmp_path / "there", database=postgres.create_database())
    assert restore(there, tmp_path / "backups").journal == int(LATER * 1000) + 1
    assert contents_of(there) == FILMS
    with pytest.raises(ConflictError, match="a catalog already"):
        restore(there, tmp_path / "backups")

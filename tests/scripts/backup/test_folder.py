"""Which backups there are, who may work on them, and what goes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cdnkit.errors import ConflictError, NotFoundError, UnavailableError
from scripts.backup.folder import (
    chosen,
    digest_of,
    locked,
    names_of,
    prune,
    read_manifest,
    read_objects,
    write_manifest,
)
from scripts.backup.verifying import faults_of
from tests.helpers.backed_up import FILM, node_in, put_all
from tests.scripts.backup.test_making import NOW, back_up


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three backups: a film that is replaced, and one that is new in the last."""
    path = tmp_path_factory.mktemp("made")
    node = node_in(path / "here")
    for number, films in enumerate(({"a": FILM}, {"a": FILM[::-1]}, {"b": b"new"})):
        put_all(node, films)
        back_up(node, path / "backups", NOW + number)
    return path / "backups"


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of those for one test."""
    return shutil.copytree(made, tmp_path / "backups")


def test_the_newest_backup_is_meant_when_none_is_named(folder: Path) -> None:
    assert chosen(folder, None).name == names_of(folder)[-1] == "20270115T080002Z"
    assert chosen(folder, "20270115T080000Z").name == "20270115T080000Z"


def test_a_backup_that_is_not_there_is_answered_with_those_that_are(folder: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no backup x; there are 20270115T080000Z, "):
        chosen(folder, "x")
    with pytest.raises(NotFoundError, match="cinedge backup make"):
        chosen(folder / "extents", None)


def test_pruning_takes_what_no_kept_backup_names(folder: Path) -> None:
    files = set(folder.glob("extents/*/*"))
    gone, freed_bytes = prune(folder, 2)
    went = files - set(folder.glob("extents/*/*"))
    assert gone == ["20270115T080000Z"]
    assert len(went) == 3
    assert freed_bytes > len(FILM)
    assert [list(faults_of(folder, folder / name)) for name in names_of(folder)] == [[], []]


def test_pruning_takes_what_a_killed_backup_left(folder: Path) -> None:
    left = folder / "20270115T090000Z"
    left.mkdir()
    (left / "catalog.sqlite").touch()
    assert prune(folder, 3) == ([], 0)
    assert not left.exists()
    assert len(names_of(folder)) == 3


def test_where_no_backup_is_nothing_is_removed(folder: Path) -> None:
    files = set(folder.glob("extents/*/*"))
    for manifest in folder.glob("*/manifest.json"):
        manifest.unlink()
    with pytest.raises(NotFoundError, match="no backup"):
        prune(folder, 1)
    assert set(folder.glob("extents/*/*")) == files


def test_a_volume_is_no_folder_of_backups(tmp_path: Path) -> None:
    node = node_in(tmp_path / "here")
    put_all(node, {"a": FILM})
    volume = Path(node.volumes[0].path)
    with pytest.raises(ConflictError, match="is a volume of an origin"), locked(volume):
        pass
    assert not (volume / ".lock").exists()


def test_only_one_program_works_in_a_folder(folder: Path) -> None:
    refused = pytest.raises(ConflictError, match="another program works on")
    with locked(folder), refused, locked(folder):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1, "objects": 2}'])
def test_a_manifest_that_cannot_be_read_is_named(folder: Path, text: str) -> None:
    backup = chosen(folder, None)
    (backup / "manifest.json").write_text(text)
    with pytest.raises(UnavailableError, match=r"manifest\.json cannot be read"):
        read_manifest(backup)


def test_a_manifest_of_a_newer_program_is_refused(folder: Path) -> None:
    path = chosen(folder, None) / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2, "more": 1}))
    with pytest.raises(UnavailableError, match="has format 2; this program reads 1"):
        read_manifest(path.parent)


@pytest.mark.parametrize("line", ["{", "[1]", '["a", 1, 2]', "7"])
def test_a_list_of_objects_that_cannot_be_read_is_named(folder: Path, line: str) -> None:
    backup = chosen(folder, None)
    objects = backup / "objects.jsonl"
    objects.write_text(line + "\n")
    manifest = read_manifest(backup)
    sha256 = {**manifest.sha256, objects.name: digest_of(objects)}
    write_manifest(backup, replace(manifest, sha256=sha256))
    with pytest.raises(UnavailableError, match=r"objects\.jsonl cannot be read"):
        list(read_objects(backup))


def test_bytes_are_not_removed_by_a_list_that_has_lost_lines(folder: Path) -> None:
    files = set(folder.glob("extents/*/*"))
    objects = chosen(folder, None) / "objects.jsonl"
    objects.write_text(objects.read_text().splitlines(keepends=True)[0])
    with pytest.raises(UnavailableError, match=r"objects\.jsonl is not what was written"):
        prune(folder, 1)
    assert set(folder.glob("extents/*/*")) == files
    assert len(names_of(folder)) == 3

"""A backup that cannot be restored says so, and which film it is about."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.backup.folder import (
    chosen,
    digest_of,
    read_manifest,
    read_objects,
    write_manifest,
)
from scripts.backup.verifying import faults_of
from tests.helpers.backed_up import FILM, node_in, put_all
from tests.scripts.backup.test_making import NOW, back_up


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    node = node_in(tmp_path / "here")
    put_all(node, {"films/a": FILM, "films/b": b"short"})
    back_up(node, tmp_path / "backups")
    assert faults(tmp_path / "backups") == []
    return tmp_path / "backups"


def faults(folder: Path) -> list[str]:
    return list(faults_of(folder, chosen(folder, None)))


def test_every_bit_counts_and_the_next_backup_makes_it_good(folder: Path) -> None:
    (path,) = (path for path in folder.glob("extents/*/*") if path.read_bytes()[:5] == b"short")
    with open(path, "r+b") as file:
        file.seek(4)
        file.write(bytes([b"t"[0] ^ 1]))
    said = f"films/b: extent 0 is damaged; remove {path} and make a backup again"
    assert faults(folder) == [said]
    path.unlink()
    assert back_up(node_in(folder.parent / "here"), folder, NOW + 1).copied_extents == 1
    assert faults(folder) == []


def test_a_copy_cut_short_is_damaged(folder: Path) -> None:
    (path,) = folder.glob("extents/*/*-2-*")
    os.truncate(path, 20)
    assert faults(folder) == [
        f"films/a: extent 2 is damaged; remove {path} and make a backup again"
    ]


def test_an_object_is_compared_with_what_was_uploaded(folder: Path) -> None:
    backup = chosen(folder, None)
    objects = backup / "objects.jsonl"
    (short,) = (each for each in read_objects(backup) if each.stored.object_id == "films/b")
    objects.write_text(objects.read_text().replace(short.sha256, "0" * 64))
    manifest = read_manifest(backup)
    sha256 = {**manifest.sha256, objects.name: digest_of(objects)}
    write_manifest(backup, replace(manifest, sha256=sha256))
    assert faults(folder) == ["films/b: its bytes are not what was uploaded"]


def test_a_missing_extent_is_named(folder: Path) -> None:
    (path,) = folder.glob("extents/*/*-2-*")
    path.unlink()
    assert faults(folder) == ["films/a: extent 2 cannot be read: No such file or directory"]


@pytest.mark.parametrize("name", ["catalog.sqlite", "objects.jsonl", "topology.yaml"])
def test_every_file_is_compared_with_its_digest(folder: Path, name: str) -> None:
    path = chosen(folder, None) / name
    path.write_bytes(path.read_bytes() + b"\n")
    assert faults(folder) == [f"{name} is not what was written"]
    os.unlink(path)
    assert faults(folder) == [f"{name} cannot be read: No such file or directory"]

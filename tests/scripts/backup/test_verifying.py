"""A backup that cannot be restored says so, and which film it is about."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.backup.folder import chosen
from scripts.backup.verifying import faults_of
from tests.helpers.backed_up import FILM, node_in, put_all
from tests.scripts.backup.test_making import back_up


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    node = node_in(tmp_path / "here")
    put_all(node, {"films/a": FILM, "films/b": b"short"})
    back_up(node, tmp_path / "backups")
    assert faults(tmp_path / "backups") == []
    return tmp_path / "backups"


def faults(folder: Path) -> list[str]:
    return list(faults_of(folder, chosen(folder, None)))


def test_every_bit_counts(folder: Path) -> None:
    (path,) = (path for path in folder.glob("extents/*/*") if path.read_bytes()[:5] == b"short")
    with open(path, "r+b") as file:
        file.seek(4)
        file.write(bytes([b"t"[0] ^ 1]))
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

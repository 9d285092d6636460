"""A backup holds one moment of an origin, and costs only what is new."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cdnkit.errors import ConflictError, UnavailableError
from config.keeping import ObjectStore
from config.topology import OriginNode
from scripts.backup.folder import chosen, names_of, read_manifest
from scripts.backup.making import Made, make_backup
from scripts.backup.named import Named
from scripts.backup.verifying import faults_of
from tests.helpers.backed_up import FILM, node_in, put_all

NOW = 1_800_000_000.0


def back_up(node: OriginNode, folder: Path, now: float = NOW) -> Made:
    topology = folder.parent / "topology.yaml"
    topology.write_text("version: 1\n")
    return make_backup(node, topology, Named(("TOKEN",), ("/tls/key",)), folder, now, print)


@pytest.fixture
def node(tmp_path: Path) -> OriginNode:
    made = node_in(tmp_path / "here", volumes=2)
    put_all(made, {"films/a": FILM, "films/empty": b""})
    return made


def test_a_backup_says_what_it_holds_and_is_sound(node: OriginNode, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    made = back_up(node, folder)
    assert (made.name, made.copied_extents) == ("20270115T080000Z", 4)
    manifest = read_manifest(chosen(folder, None))
    assert manifest == made.manifest
    assert (manifest.objects, manifest.object_bytes) == (2, len(FILM))
    assert (manifest.variables, manifest.files) == (("TOKEN",), ("/tls/key",))
    assert list(faults_of(folder, folder / made.name)) == []


def test_nobody_else_may_read_a_backup(node: OriginNode, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    backup = folder / back_up(node, folder).name
    assert [path.stat().st_mode & 0o077 for path in (folder, backup)] == [0, 0]


def test_what_an_earlier_backup_has_is_not_copied_again(node: OriginNode, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    back_up(node, folder)
    put_all(node, {"films/b": b"new"})
    made = back_up(node, folder, NOW + 1)
    assert made.copied_extents == 1
    assert all(list(faults_of(folder, folder / name)) == [] for name in names_of(folder))


def test_replaced_films_are_copied_though_the_key_is_known(
    node: OriginNode, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    back_up(node, folder)
    put_all(node, {"films/a": FILM[::-1]})
    assert back_up(node, folder, NOW + 1).copied_extents == 3


def test_volumes_keep_nothing_of_a_backup(node: OriginNode, tmp_path: Path) -> None:
    back_up(node, tmp_path / "backups")
    assert not list(tmp_path.glob("here/v*/.backup"))


def test_a_damaged_copy_is_passed_over_for_a_good_one(tmp_path: Path) -> None:
    node = node_in(tmp_path / "here", volumes=2, copies=2)
    put_all(node, {"films/a": FILM})
    for path in (tmp_path / "here" / "v0" / "extents").glob("*/*"):
        with open(path, "r+b") as file:
            file.write(bytes(8))
    made = back_up(node, tmp_path / "backups")
    assert made.manifest.lost == ()
    assert list(faults_of(tmp_path / "backups", tmp_path / "backups" / made.name)) == []


def test_bytes_that_no_volume_has_are_told_and_the_rest_is_backed_up(
    node: OriginNode, tmp_path: Path
) -> None:
    for path in (tmp_path / "here").glob("v*/extents/*/*-1"):
        path.unlink()
    made = back_up(node, tmp_path / "backups")
    assert made.manifest.lost == ("films/a",)
    assert made.copied_extents == 3


def test_a_volume_that_is_not_mounted_is_left_out_and_told(
    node: OriginNode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.rename(tmp_path / "here" / "v1", tmp_path / "elsewhere")
    back_up(node, tmp_path / "backups")
    assert "volume v1 is left out" in capsys.readouterr().out


def test_without_a_catalog_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no catalog"):
        back_up(node_in(tmp_path / "here", volumes=0), tmp_path / "backups")
    assert names_of(tmp_path / "backups") == []


def test_a_backup_on_the_disk_it_is_of_is_refused(node: OriginNode, tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match="another disk"):
        back_up(node, tmp_path / "here" / "v0" / "backups")


def test_of_an_object_store_only_the_catalog_is_copied(tmp_path: Path) -> None:
    node = node_in(tmp_path / "here")
    put_all(node, {"films/a": FILM})
    store = ObjectStore("http://127.0.0.1:1", "films", "id", "secret")
    made = back_up(OriginNode(node.name, node.listen, node.data, object_store=store),
                   tmp_path / "backups")  # fmt: skip
    assert (made.manifest.has_bytes, made.copied_extents) == (False, 0)
    assert list(faults_of(tmp_path / "backups", tmp_path / "backups" / made.name)) == []

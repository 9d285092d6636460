"""`cinedge backup` says what it did, and by its exit code whether all of it worked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from scripts.backup.folder import locked
from scripts.cli.main import main
from tests.helpers.backed_up import FILM, node_in, put_all


@pytest.fixture
def topology(tmp_path: Path) -> Path:
    node = node_in(tmp_path / "here")
    put_all(node, {"films/a": FILM})
    return topology_of(tmp_path, tmp_path / "here")


def topology_of(tmp_path: Path, folder: Path) -> Path:
    path = tmp_path / f"{folder.name}.yaml"
    node = {"name": "origin-1", "listen": "127.0.0.1:8000", "data": str(folder / "data"),
            "volumes": [{"name": "v0", "path": str(folder / "v0")}]}  # fmt: skip
    path.write_text(yaml.safe_dump({"origins": [node]}))
    return path


def test_make_list_verify_prune_and_restore_work_together(
    topology: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "backups")
    assert main(["backup", "make", folder, "--of", str(topology), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["objects"], told["object_bytes"], told["lost"]) == (1, len(FILM), [])
    assert main(["backup", "list", folder]) == 0
    assert f"{told['backup']}  origin-1  1 objects" in capsys.readouterr().out
    assert main(["backup", "list", folder, "--json"]) == 0
    assert [row["backup"] for row in json.loads(capsys.readouterr().out)] == [told["backup"]]
    assert main(["backup", "verify", folder]) == 0
    assert capsys.readouterr().out == f"{told['backup']}: sound\n"
    assert main(["backup", "prune", folder, "--keep", "1"]) == 0
    assert capsys.readouterr().out == "0 backups removed, 0 bytes freed\n"
    there = topology_of(tmp_path, tmp_path / "there")
    assert main(["backup", "restore", folder, "--of", str(there)]) == 0
    assert "1 objects with their bytes" in capsys.readouterr().out


def test_bytes_that_are_missing_make_every_action_fail_and_say_which(
    topology: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "backups")
    shutil.rmtree(tmp_path / "here" / "v0" / "extents")
    assert main(["backup", "make", folder, "--of", str(topology)]) == 1
    assert "no volume has the bytes of films/a" in capsys.readouterr().err
    assert main(["backup", "verify", folder]) == 1
    assert "no volume had the bytes of films/a" in capsys.readouterr().err
    there = topology_of(tmp_path, tmp_path / "there")
    assert main(["backup", "restore", folder, "--of", str(there)]) == 1
    assert "does not have the bytes of films/a" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["verify"], 1, "holds no backup"),
        (["prune", "--keep", "0"], 2, "not a number of at least 1"),
        (["restore", "--of", "none.yaml"], 2, "cannot be read"),
        (["make"], 2, "--of"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, message: str
) -> None:
    assert main(["backup", words[0], str(tmp_path), *words[1:]]) == code
    assert message in capsys.readouterr().err


def test_nothing_is_pruned_while_a_backup_is_being_restored(
    topology: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "backups"
    assert main(["backup", "make", str(folder), "--of", str(topology)]) == 0
    there = topology_of(tmp_path, tmp_path / "there")
    with locked(folder):
        assert main(["backup", "restore", str(folder), "--of", str(there)]) == 1
    assert "another program works on" in capsys.readouterr().err
    assert main(["backup", "restore", str(folder), "--of", str(there)]) == 0


def test_a_folder_that_cannot_be_written_is_named(
    topology: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["backup", "make", str(tmp_path / "file"), "--of", str(topology)]) == 1
    assert f"{tmp_path / 'file'}" in capsys.readouterr().err

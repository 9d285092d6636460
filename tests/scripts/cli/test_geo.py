"""Claims about `cinedge geo`."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from scripts.cli.errors import FailedError
from scripts.cli.geo import fetch, pack
from scripts.cli.main import main
from tests.geo_router.geo_files import city, write_database


def archive_of(folder: Path, files: dict[str, bytes]) -> Path:
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_databases_and_licence_are_taken_out_and_the_licence_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        "package/a-ipv4.mmdb": b"4",
        "package/a-ipv6.mmdb": b"6",
        "package/SOME-LICENSE": b"be kind\n",
        "package/package.json": b"{}",
        "../../outside.mmdb": b"x",
    }
    to = tmp_path / "geo"
    assert fetch("p", to, lambda package, folder: archive_of(folder, files)) == 0
    names = {path.name for path in to.iterdir()}
    assert names == {"a-ipv4.mmdb", "a-ipv6.mmdb", "SOME-LICENSE", "outside.mmdb"}
    assert {path.name for path in tmp_path.iterdir()} == {"geo"}
    assert "be kind" in capsys.readouterr().out


def test_a_package_without_a_database_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.mmdb").write_bytes(b"old")
    with pytest.raises(FailedError, match="holds no"):
        fetch("p", tmp_path, lambda package, folder: archive_of(folder, {"x/LICENSE": b"l"}))
    assert [path.name for path in tmp_path.iterdir()] == ["a.mmdb"]


def test_a_client_that_fails_is_quoted(tmp_path: Path) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho no such package >&2\nexit 1\n")
    npm.chmod(0o755)
    with pytest.raises(FailedError, match="no such package"):
        pack(str(npm), "p", tmp_path)


def test_an_address_is_looked_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_database(tmp_path / "c.mmdb", "GeoLite2-City", {"192.0.2.0/24": city(48.1, 11.6)})
    command = ["geo", "look-up", "--database", str(path)]
    assert main([*command, "192.0.2.7"]) == 0
    assert "DE 48.1000 11.6000" in capsys.readouterr().out
    assert main([*command, "198.51.100.7"]) == 1
    assert main([*command, "nowhere"]) == 2
    assert main(["geo", "look-up", "--database", "/nowhere", "192.0.2.7"]) == 1

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.cli.errors import FailedError
from scripts.simulation.lines import open_lines

TEXT = "time,key\n1,é\n"


def test_plain_and_gzipped_files_are_the_same_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEXT, encoding="utf-8")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    for name in ("a.csv", "a.csv.gz"):
        with open_lines(tmp_path / name) as lines:
            assert list(lines) == TEXT.splitlines(keepends=True)


@pytest.mark.skipif(shutil.which("zstd") is None, reason="the program zstd is not installed")
def test_zstd_files_are_unpacked_and_damage_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEXT * 1_000, encoding="utf-8")
    packed = tmp_path / "a.csv.zst"
    subprocess.run(["zstd", "-q", str(tmp_path / "a.csv"), "-o", str(packed)], check=True)
    with open_lines(packed) as lines:
        assert len(list(lines)) == 2_000
    packed.write_bytes(packed.read_bytes()[:-5])
    with pytest.raises(FailedError, match=r"a\.csv\.zst"), open_lines(packed) as lines:
        list(lines)


def test_where_there_is_no_zstd_the_way_out_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.zst").write_bytes(b"")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FailedError, match="install it, or unpack"), open_lines(tmp_path / "a.zst"):
        pass


@pytest.mark.parametrize("name", ["none", "none.zst", "none.gz", "bad.gz", "bad.csv"])
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    for bad in ("bad.gz", "bad.csv"):
        (tmp_path / bad).write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(FailedError, match=name), open_lines(tmp_path / name) as lines:
        list(lines)

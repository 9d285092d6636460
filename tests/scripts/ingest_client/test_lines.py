"""Lines are read from plain and packed files, and what cannot be read is told."""

from __future__ import annotations

import gzip
import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.cli.errors import FailedError, UsageError
from scripts.ingest_client import lines
from scripts.ingest_client.lines import read_lines

TEXT = "één\ntwee\n"


def test_plain_and_gzip_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(TEXT, encoding="utf-8")
    (tmp_path / "a.gz").write_bytes(gzip.compress(TEXT.encode()))
    for file in tmp_path.iterdir():
        assert list(read_lines(file)) == ["één\n", "twee\n"]


@pytest.mark.skipif(shutil.which("zstd") is None, reason="the zstd program is not installed")
@pytest.mark.parametrize("reader", ["pyarrow", "zstd"])
def test_zstandard_files_are_read(
    tmp_path: Path, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reader == "pyarrow" and importlib.util.find_spec("pyarrow") is None:
        pytest.skip("pyarrow is not installed")
    file = tmp_path / "a.zst"
    packed = subprocess.run(["zstd", "-q"], input=TEXT.encode(), capture_output=True, check=True)
    file.write_bytes(packed.stdout)
    if reader == "zstd":
        monkeypatch.setattr(lines, "_zstd", lines._by_program)
    assert list(read_lines(file)) == ["één\n", "twee\n"]
    file.write_bytes(packed.stdout[:-6] + b"rubbish")
    with pytest.raises(FailedError):
        list(read_lines(file))


def test_what_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="not a file"):
        list(read_lines(tmp_path))
    for name, content in (("a", b"\xff\xfe"), ("b.gz", b"no gzip")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FailedError):
            list(read_lines(tmp_path / name))
    (tmp_path / "c.zst").write_bytes(b"")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(lines, "_zstd", lines._by_program)
    with pytest.raises(UsageError, match="install zstd"):
        list(read_lines(tmp_path / "c.zst"))

"""The wheel is the same bytes wherever and whenever it is built from the same sources."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("cdnkit", "config", "edge", "geo_router", "origin", "scripts")
FILES = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
CACHES = shutil.ignore_patterns("__pycache__", "*.pyc", "*.so", "build", "*.egg-info")


def built(folder: Path, touched_at: float) -> Path:
    """A wheel of a copy of the sources whose files are all of one moment."""
    source, target = folder / "source", folder / "wheel"
    source.mkdir(parents=True)
    target.mkdir()
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=CACHES)
    for name in FILES:
        shutil.copy(ROOT / name, source / name)
    for path in source.rglob("*"):
        os.utime(path, (touched_at, touched_at))
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    subprocess.run(
        [sys.executable, "-c", BUILD, str(target)],
        cwd=source,
        env=environment,
        capture_output=True,
        check=True,
    )
    (wheel,) = target.glob("*.whl")
    return wheel


@pytest.mark.timeout(300)
def test_two_builds_are_equal_and_hold_neither_tests_nor_secrets(tmp_path: Path) -> None:
    wheels = [built(tmp_path / "a", 1.6e9), built(tmp_path / "another place", 1.5e9)]
    digests = {hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels}
    names = zipfile.ZipFile(wheels[0]).namelist()
    assert len(digests) == 1
    assert any(name == "edge/server.py" for name in names)
    assert any(name.startswith("origin/web/") for name in names)
    assert [
        name for name in names if name.startswith(("tests/", ".")) or name.endswith(".pem")
    ] == []

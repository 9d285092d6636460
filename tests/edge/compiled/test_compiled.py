"""Which form of the lane is used."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import edge
from edge.compiled import (
    BUILT,
    COMPILED,
    INTERPRETED,
    MODULES,
    OUTDATED,
    SETTING,
    STAMP,
    SUFFIX,
    choose,
    digest_of,
    form_of,
    sources_of,
)

pytestmark = pytest.mark.both_forms

PACKAGE = Path(edge.__file__).parent


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with the lane's sources, and what passes for their compiled form."""
    for module in MODULES:
        for source in sources_of(PACKAGE, module):
            shutil.copy(source, tmp_path / source.name)
    (tmp_path / BUILT).mkdir(parents=True)
    (tmp_path / BUILT / STAMP).write_text(digest_of(tmp_path))
    return tmp_path


def test_the_compiled_form_is_used_where_it_is_of_these_sources(package: Path) -> None:
    for wanted in ({}, {SETTING: "yes"}):
        assert choose(package, wanted) == (COMPILED, [str(package / BUILT)])
    assert choose(package, {SETTING: "no"}) == (INTERPRETED, [])


@pytest.mark.parametrize("module", MODULES)
def test_an_edit_has_the_sources_used(package: Path, module: str) -> None:
    for source in sources_of(package, module):
        before = source.read_bytes()
        source.write_bytes(before + b"\n")
        assert choose(package, {}) == (OUTDATED, [])
        with pytest.raises(ImportError, match="run `cinedge compile`"):
            choose(package, {SETTING: "yes"})
        source.write_bytes(before)
    assert form_of(package) == COMPILED


def test_what_another_python_compiled_is_not_used(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.compiled.SUFFIX", ".cpython-399-pdp11.so")
    assert form_of(package) == OUTDATED


def test_what_cannot_be_compared_with_its_sources_is_not_used(package: Path) -> None:
    (package / BUILT / STAMP).write_bytes(b"\xff")
    assert choose(package, {}) == (OUTDATED, [])
    (package / BUILT / STAMP).write_text(digest_of(package))
    (package / "targets.pxd").unlink()
    assert choose(package, {}) == (OUTDATED, [])


def test_without_a_compiled_form_the_sources_are_used(package: Path) -> None:
    shutil.rmtree(package / BUILT)
    assert choose(package, {}) == (INTERPRETED, [])
    with pytest.raises(ImportError, match="the lane is interpreted"):
        choose(package, {SETTING: "yes"})


@pytest.mark.parametrize("module", MODULES)
def test_the_modules_of_this_process_are_of_the_form_that_is_told(module: str) -> None:
    path = importlib.import_module(f"edge.{module}").__file__
    assert path is not None
    assert path.endswith(SUFFIX) == (edge.LANE == COMPILED)


def test_the_setting_reaches_a_process() -> None:
    program = "import edge, edge.rounds; print(edge.LANE, edge.rounds.__file__)"
    said = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, SETTING: "no"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.split() == [INTERPRETED, str(PACKAGE / "rounds.py")]

"""What compiling says and leaves behind when it cannot be done, and that what it makes works."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import edge
from edge.compiled import BUILT, COMPILED, SETTING, STAMP, digest_of, form_of
from edge.compiled.build import CompileError, compile_lane, remove_compiled

HAS_COMPILER = importlib.util.find_spec("Cython") is not None and shutil.which("cc") is not None
needs_compiler = pytest.mark.skipif(not HAS_COMPILER, reason="needs Cython and a C compiler")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the edge, of which one small module is compiled."""
    monkeypatch.setattr("edge.compiled.build.MODULES", ("blockfile",))
    copy = tmp_path / "edge"
    ignored = shutil.ignore_patterns("__pycache__", "built")
    return Path(shutil.copytree(Path(edge.__file__).parent, copy, ignore=ignored))


def compiled_before(package: Path, stamp: str) -> None:
    (package / BUILT).mkdir()
    (package / BUILT / STAMP).write_text(stamp)


def left_behind(package: Path) -> list[str]:
    folders = [path.name for path in (package / "compiled").iterdir() if path.is_dir()]
    return sorted(name for name in folders if name != "__pycache__")


@needs_compiler
def test_what_is_compiled_is_used_until_it_is_removed(package: Path) -> None:
    compile_lane(package)
    assert form_of(package) == COMPILED
    assert left_behind(package) == ["built"]
    program = "import edge.blockfile; print(edge.blockfile.__file__)"
    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=package.parent,
        env={**os.environ, SETTING: "yes"},
        capture_output=True,
        text=True,
    ).stdout
    assert said.startswith(str(package / BUILT / "blockfile."))
    assert remove_compiled(package)
    assert not remove_compiled(package)
    assert left_behind(package) == []


@needs_compiler
def test_a_source_that_does_not_compile_leaves_what_there_was(package: Path) -> None:
    compiled_before(package, "of before")
    (package / "blockfile.py").write_text("def (")
    with pytest.raises(CompileError, match=r"(?s)cython failed.*blockfile.py:1"):
        compile_lane(package)
    assert (package / BUILT / STAMP).read_text() == "of before"
    assert left_behind(package) == ["built"]


@needs_compiler
def test_what_does_not_load_is_not_left_for_the_next_edge(package: Path) -> None:
    (package / "server.py").write_text("raise ImportError('as if a symbol were missing')\n")
    with pytest.raises(CompileError, match="as if a symbol were missing"):
        compile_lane(package)
    assert left_behind(package) == []


@needs_compiler
def test_what_does_not_load_gives_way_to_what_there_was(package: Path) -> None:
    compiled_before(package, "of before")
    (package / "server.py").write_text("raise ImportError('as if a symbol were missing')\n")
    with pytest.raises(CompileError, match="as if a symbol were missing"):
        compile_lane(package)
    assert (package / BUILT / STAMP).read_text() == "of before"
    assert left_behind(package) == ["built"]


@needs_compiler
def test_nothing_is_imported_from_where_somebody_stands(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traps = tmp_path / "traps"
    traps.mkdir()
    for name in ("cython", "tempfile", "uvloop"):
        (traps / f"{name}.py").write_text("raise SystemExit('the wrong one')\n")
    monkeypatch.chdir(traps)
    compile_lane(package)
    assert form_of(package) == COMPILED


@needs_compiler
def test_what_python_finds_by_its_path_the_lane_finds_when_it_is_tried(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside = tmp_path / "aside"
    aside.mkdir()
    (aside / "found_by_path.py").touch()
    (package / "server.py").write_text("import found_by_path\n")
    monkeypatch.setenv("PYTHONPATH", str(aside))
    compile_lane(package)
    assert form_of(package) == COMPILED


def test_the_compiler_is_the_one_that_the_environment_names(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: True)
    monkeypatch.setenv("CC", "no-such-compiler -m64")
    with pytest.raises(CompileError, match=r"no C compiler \(no-such-compiler\)"):
        compile_lane(package)


def has_no_cython(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def has_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)


def has_no_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda name: "/nowhere")


def may_not_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)


@needs_compiler
@pytest.mark.parametrize(
    ("lack", "fix"),
    [
        (has_no_cython, r"pip install 'cinedge\[compiled\]'"),
        (has_no_compiler, "install gcc, or set CC"),
        (has_no_headers, "install Python's headers"),
        (may_not_write, "run it as who installed it"),
    ],
)
def test_what_is_missing_is_said_with_its_remedy(
    package: Path,
    monkeypatch: pytest.MonkeyPatch,
    lack: Callable[[pytest.MonkeyPatch], None],
    fix: str,
) -> None:
    compiled_before(package, digest_of(package))
    with monkeypatch.context() as lacking:
        lack(lacking)
        with pytest.raises(CompileError, match=fix):
            compile_lane(package)
    assert form_of(package) == COMPILED

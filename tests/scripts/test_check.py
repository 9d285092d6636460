"""The check of a whole tree: what fails fails it, and what fails once only is named."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "test"

# Each check starts pytest some seven times; loading what it does not need takes most of that.
FEW_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}

ALONE = """
import pytest

@pytest.mark.alone
def test_with_the_machine_to_itself():
    pass
"""
BOTH = """
import pytest

@pytest.mark.both_forms
def test_in_either_form():
    pass
"""
MARKERS = "[pytest]\nmarkers =\n    alone: by itself\n    both_forms: and in C\n"
COUNTED = """
from pathlib import Path
import pytest

@pytest.mark.parametrize("name", {names})
def test_that_fails_in_some_of_its_runs(name):
    runs = Path("{folder}", name)
    with runs.open("a") as file:
        file.write("x")
    assert runs.stat().st_size not in {failing}
"""


def a_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


NOT_IN_C = """
import os
import pytest

@pytest.mark.both_forms
def test_in_one_form():
    assert os.environ["CINEDGE_COMPILED"] == "no"
"""


def checked(
    tree: Path, names: int, failing: set[int], both: str = BOTH
) -> subprocess.CompletedProcess[str]:
    """Run the script in a tree whose `names` tests fail in the runs that `failing` counts."""
    (tree / "scripts").mkdir()
    shutil.copy(SCRIPT, tree / "scripts" / "test")
    a_program(tree / "scripts" / "setup", "exit 0")
    for name in ("ruff", "mypy"):
        a_program(tree / ".venv" / "bin" / name, "exit 0")
    a_program(tree / ".venv" / "bin" / "pytest", f'exec {sys.executable} -m pytest "$@"')
    a_program(tree / ".venv" / "bin" / "python", f'exec {sys.executable} "$@"')
    a_program(tree / ".venv" / "bin" / "cinedge", "exit 0")
    (tree / "pytest.ini").write_text(MARKERS)
    (tree / "tests").mkdir()
    (tree / "tests" / "test_alone.py").write_text(ALONE)
    (tree / "tests" / "test_both.py").write_text(both)
    each = [f"name-{number}" for number in range(names)]
    text = COUNTED.format(names=each, folder=tree, failing=failing)
    (tree / "tests" / "test_counted.py").write_text(text)
    return subprocess.run(
        [tree / "scripts" / "test"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTEST_XDIST_AUTO_NUM_WORKERS": "1", **FEW_PLUGINS},
    )


@pytest.mark.parametrize(
    ("names", "failing", "verdict"),
    [
        (1, {9}, "ok"),
        (2, {1}, "UNSTEADY"),
        (1, {1, 2, 3, 4}, "FAILED"),
        (1, {1, 4}, "FAILED"),
        (6, {1}, "FAILED"),
    ],
    ids=["passes", "fails-once", "fails", "fails-again-at-last", "too-many-fail-once"],
)
def test_only_what_passes_by_itself_each_time_is_let_through(
    names: int, failing: set[int], verdict: str, tmp_path: Path
) -> None:
    done = checked(tmp_path, names, failing)
    assert re.search(rf"^pytest +{verdict} ", done.stdout, re.MULTILINE), done.stdout + done.stderr
    assert done.returncode == (verdict == "FAILED")
    listed = re.findall(r"^    tests/test_counted\.py::.*\[(.*)\]$", done.stdout, re.MULTILINE)
    assert listed == (
        [f"name-{number}" for number in range(names)] if verdict == "UNSTEADY" else []
    )


def test_what_fails_compiled_alone_is_asked_again_compiled_and_has_failed(tmp_path: Path) -> None:
    pytest.importorskip("Cython")
    done = checked(tmp_path, 1, set(), NOT_IN_C)
    assert re.search(r"^pytest +ok ", done.stdout, re.MULTILINE), done.stdout + done.stderr
    assert re.search(r"^pytest in C +FAILED ", done.stdout, re.MULTILINE), done.stdout
    assert done.returncode == 1

"""Claims about completing `cinedge` in shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.cli.main import main

_BIN = Path(sys.executable).parent
_ROOT = Path(__file__).parents[3]


def completed(line: str, folder: Path) -> set[str]:
    """What a shell is offered at the end of `line`."""
    told = folder / "told"
    environ = {
        **os.environ,
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(told),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    subprocess.run(
        [sys.executable, "-m", "scripts.cli.main"], cwd=_ROOT, env=environ, check=False, timeout=60
    )
    return {word.strip() for word in told.read_text().split("\n")}


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("cinedge dr", {"drain"}),
        ("cinedge status --qu", {"--quiet"}),
        ("cinedge top ed", {"edges"}),
        ("cinedge logs --reason ad", {"admission"}),
        ("cinedge topology pl", {"plan"}),
        ("cinedge completion f", {"fish"}),
    ],
)
def test_commands_options_and_values_are_completed(
    line: str, offered: set[str], tmp_path: Path
) -> None:
    assert completed(line, tmp_path) == offered


def test_names_of_nodes_are_completed_from_the_topology(tmp_path: Path) -> None:
    topology = tmp_path / "topology.yaml"
    topology.write_text('origins: [{name: studio, listen: "127.0.0.1:1", data: d}]\n')
    for line in (
        f"cinedge origin --topology {topology} --name ",
        f"cinedge doctor --of {topology} --here st",
        f"cinedge logs --of {topology} --node st",
    ):
        assert completed(line, tmp_path) == {"studio"}, line


def test_bash_completes_with_the_printed_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    asked = (
        f"{script}\n"
        "COMP_WORDS=(cinedge undr); COMP_CWORD=1; COMP_LINE='cinedge undr'; COMP_POINT=12\n"
        "COMP_TYPE=9; COMP_KEY=9\n"
        "name=$(complete -p cinedge | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n"
        '$name cinedge undr cinedge; echo "offered: ${COMPREPLY[*]}"\n'
    )
    environ = {**os.environ, "PATH": f"{_BIN}:{os.environ['PATH']}"}
    ended = subprocess.run(
        ["bash", "-c", asked], capture_output=True, text=True, env=environ, check=False, timeout=60
    )
    assert "offered: undrain" in ended.stdout, ended.stderr


def test_fish_completes_with_the_printed_script(capsys: pytest.CaptureFixture[str]) -> None:
    fish = shutil.which("fish")
    if fish is None:
        pytest.skip("fish is not here to complete")
    assert main(["completion", "fish"]) == 0
    asked = capsys.readouterr().out + '\ncomplete -C"cinedge undr"\n'
    environ = {**os.environ, "PATH": f"{_BIN}:{os.environ['PATH']}"}
    ended = subprocess.run(
        [fish, "-c", asked], capture_output=True, text=True, env=environ, check=False, timeout=60
    )
    assert ended.stdout.startswith("undrain"), ended.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_script_of_another_shell_is_one_it_can_read(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "cinedge" in script
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not here to read it")
    ended = subprocess.run([program, "-n"], input=script, text=True, check=False, timeout=60)
    assert ended.returncode == 0

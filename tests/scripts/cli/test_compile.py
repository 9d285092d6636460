"""Claims about `cinedge compile`."""

from __future__ import annotations

from pathlib import Path

import pytest

import edge
from edge.compiled.build import CompileError
from scripts.cli.main import main


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Packages that were to be compiled."""
    packages: list[Path] = []
    monkeypatch.setattr("edge.compiled.build.compile_lane", packages.append)
    return packages


def test_the_edge_that_runs_here_is_compiled(
    asked: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile"]) == 0
    assert asked == [Path(edge.__file__).parent]
    assert capsys.readouterr().out.startswith("compiled: edges that are started from now on use ")


@pytest.mark.parametrize(
    ("there", "told"), [(True, "edges use the sources"), (False, "there was nothing compiled")]
)
def test_what_was_compiled_is_removed(
    asked: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    there: bool,
    told: str,
) -> None:
    monkeypatch.setattr("edge.compiled.build.remove_compiled", lambda package: there)
    assert main(["compile", "--remove"]) == 0
    assert not asked
    assert capsys.readouterr().out == told + "\n"


def test_what_is_missing_ends_it_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(package: Path) -> None:
        raise CompileError("there is no C compiler (cc): install gcc, or set CC")

    monkeypatch.setattr("edge.compiled.build.compile_lane", fails)
    assert main(["compile"]) == 1
    said = capsys.readouterr().err
    assert said == "cinedge: there is no C compiler (cc): install gcc, or set CC\n"

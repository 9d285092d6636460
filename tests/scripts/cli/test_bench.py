"""Claims about `cinedge bench`."""

from __future__ import annotations

import pytest

from scripts.cli import bench
from scripts.cli.main import main


def test_it_is_scripts_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    from scripts.benchmark import command

    said: list[list[str]] = []

    def measure(arguments: list[str], extend: object) -> int:
        said.append(arguments)
        return 1

    monkeypatch.setattr(command, "main", measure)
    assert main(["bench", "--smoke", "--only", "W2"]) == 1
    assert said == [["--smoke", "--only", "W2"]]


def test_its_help_has_the_options_of_scripts_bench(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--help"]) == 0
    assert "--cold-rounds" in capsys.readouterr().out


def test_where_there_are_no_benchmarks_it_says_where_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "is_installed", lambda: False)
    assert main(["bench"]) == 1
    assert "scripts/bench" in capsys.readouterr().err

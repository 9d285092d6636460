"""The whole benchmark runs, every measure of it, and its end is an exit code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.benchmark.command import FAILED, USAGE, main
from scripts.benchmark.measures import MEASURES
from tests.scripts.benchmark.conftest import ROOT, SmokeRun


def test_every_measure_runs_on_our_own_servers_without_a_wrong_answer(smoke: SmokeRun) -> None:
    assert smoke.code == 0, smoke.printed + smoke.complaints
    assert smoke.found["runs"].keys() == MEASURES.keys()


def test_a_run_says_machine_versions_load_and_command(smoke: SmokeRun) -> None:
    assert "scripts/bench --smoke" in smoke.printed
    assert smoke.found["machine"]["processor"] in smoke.printed
    assert len(smoke.found["load_average"]) == 2


def test_the_entry_point_can_be_executed() -> None:
    assert os.access(ROOT / "scripts" / "bench", os.X_OK)


def test_wrong_use_and_a_missing_compiler_have_exit_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["--only", "nothing"]) == USAGE
    monkeypatch.setenv("CC", str(tmp_path / "no-such-compiler"))
    assert main(["--smoke", "--peers", "", "--only", "W1"]) == FAILED
    assert "no compiler is here" in capsys.readouterr().err

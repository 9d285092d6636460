"""A few of the scenarios that are drawn by chance; the command runs any number of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.faults import random_runs
from tests.faults.random_runs import parse_seeds
from tests.faults.scenario.disks import can_be_small
from tests.faults.scenario.drawing import draw_scenario
from tests.faults.scenario.plan import Scenario, parse_scenario
from tests.faults.scenario.running import Report, run_scenario
from tests.faults.scenario.stage import Complaint
from tests.faults.scenario.world import Nursery

SEEDS = (3, 9, 12, 33, 34, 37)
SECONDS = 4.0


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_found_in_a_scenario_drawn_by_chance(
    seed: int, nursery: Nursery, tmp_path: Path
) -> None:
    scenario = draw_scenario(seed, SECONDS, small_disks=can_be_small())
    report = run_scenario(scenario, nursery, tmp_path / "world")
    print(report.scenario, report.words)
    assert [str(each) for each in report.complaints] == []
    assert report.counts["status 206"] > 0


def test_seeds_are_numbers_and_stretches_of_them() -> None:
    assert parse_seeds("1-3,7") == [1, 2, 3, 7]
    with pytest.raises(ValueError, match="invalid literal"):
        parse_seeds("a few")


def test_what_was_found_is_written_down_and_can_be_run_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[Scenario] = []

    def find_something(scenario: Scenario, *_: object) -> Report:
        ran.append(scenario)
        found = [Complaint(1.0, "player 1", "wrong bytes")] if scenario.seed == 2 else []
        return Report(scenario, found, Counter())

    monkeypatch.setattr(random_runs, "run_scenario", find_something)
    assert random_runs.main(["--seeds", "1-9", "--into", str(tmp_path)]) == 1
    assert [each.seed for each in ran] == [1, 2]
    written = parse_scenario((tmp_path / "seed-2.yaml").read_text())
    assert written == ran[1]
    assert "wrong bytes" in capsys.readouterr().out
    assert random_runs.main(["--file", str(tmp_path / "seed-2.yaml"), "--into", str(tmp_path)]) == 1
    assert ran[2] == written

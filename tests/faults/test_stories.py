"""Every scenario that was written down: real processes, and nothing is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.scenario.plan import parse_scenario
from tests.faults.scenario.running import UnsupportedError, run_scenario
from tests.faults.scenario.world import Nursery

STORIES = sorted((Path(__file__).parent / "stories").glob("*.yaml"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
def test_nothing_is_found(story: Path, nursery: Nursery, tmp_path: Path) -> None:
    try:
        report = run_scenario(parse_scenario(story.read_text()), nursery, tmp_path / "world")
    except UnsupportedError as error:
        pytest.skip(str(error))
    print(report.words)
    assert [str(each) for each in report.complaints] == []
    assert report.counts["status 206"] > 0

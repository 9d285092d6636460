"""Planted bugs are caught: some of them here, all by `python -m tests.faults.planted`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.planted import swap
from tests.faults.planted.__main__ import planted_names, run_planted, story_of
from tests.faults.scenario.world import Nursery

ONE_OF_EACH_TIER = (
    "acknowledges_before_commit",
    "names_dead_edges",
    "wrong_block_at_seek",
)

pytestmark = [pytest.mark.timeout(180)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ONE_OF_EACH_TIER)
def test_a_planted_bug_is_caught(name: str, nursery: Nursery) -> None:
    report = run_planted(name, nursery)
    found = [str(each) for each in report.complaints]
    assert found, "nobody noticed"


def test_there_are_ten_and_each_has_its_scenario() -> None:
    assert len(planted_names()) >= 10
    assert set(ONE_OF_EACH_TIER) <= set(planted_names())
    for name in planted_names():
        assert story_of(name).faults or story_of(name).cast.uploaders


def test_what_is_not_there_cannot_be_swapped() -> None:
    with pytest.raises(AttributeError):
        swap(Path, "no_such_method", None)

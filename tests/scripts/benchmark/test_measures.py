"""Measures are named once and found by name."""

from __future__ import annotations

import pytest

from scripts.benchmark.cold import _WAYS
from scripts.benchmark.measures import MEASURES, Kind, kinds, parse_names
from scripts.cli.errors import UsageError


def test_names_are_found_in_any_case_and_order() -> None:
    assert [each.name for each in parse_names(" r2, w1 ,W1")] == ["W1", "R2"]
    assert kinds(parse_names("W1,W2,R2")) == {Kind.HIT, Kind.CHOICE}


@pytest.mark.parametrize("text", ["W1,X7", "", ","])
def test_unknown_names_are_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(UsageError, match=r"there are W1, W2, .*R2"):
        parse_names(text)


def test_every_cold_measure_has_a_way_to_be_taken() -> None:
    cold = {name for name, each in MEASURES.items() if each.kind in (Kind.COLD, Kind.MISS)}
    assert cold == _WAYS.keys()

"""Medians and paired ratios."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.benchmark.figures import Ratio, Runs, median_of, ratio_of
from scripts.benchmark.measures import CPU, RATE


def runs(ours: list[float], theirs: list[float], name: str = "cpu_us") -> Runs:
    return {"a": [{name: each} for each in ours], "b": [{name: each} for each in theirs]}


def test_a_ratio_is_the_median_of_ratios_inside_rounds() -> None:
    # The second round was ten times slower for both; that must not show.
    found = ratio_of(runs([1, 10, 2], [2, 20, 6]), "a", "b", CPU)
    assert found == Ratio(2.0, 2.0, 3.0)
    assert str(found) == "2.00 (2.00-3.00)"


def test_above_one_is_better_whatever_the_figure() -> None:
    rates = ratio_of(runs([30], [10], "per_second"), "a", "b", RATE)
    assert rates == Ratio(3.0, 3.0, 3.0)
    assert str(rates) == "3.00"


@pytest.mark.parametrize("other", [[0.0], []])
def test_without_figures_on_both_sides_there_is_no_ratio(other: list[float]) -> None:
    assert ratio_of(runs([1], other), "a", "b", CPU) is None
    assert ratio_of({}, "a", "b", CPU) is None
    assert median_of([], "cpu_us") is None


positive = st.lists(st.floats(0.1, 1e6), min_size=1, max_size=9)


@given(positive, positive)
def test_turning_the_servers_round_turns_the_range_round(a: list[float], b: list[float]) -> None:
    one, other = (ratio_of(runs(a, b), *names, CPU) for names in (("a", "b"), ("b", "a")))
    assert one is not None
    assert other is not None
    assert one.low <= one.median <= one.high
    assert other.low == pytest.approx(1 / one.high)

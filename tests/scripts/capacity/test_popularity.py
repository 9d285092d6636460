"""Claims about how demand spreads over a catalogue."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.capacity.popularity import classes_of, weight

REACH = (0.8, 0.5, 0.25)


@pytest.mark.parametrize(
    ("share", "demanded"),
    [(0.001, 0.074), (0.01, 0.267), (0.05, 0.554), (0.1, 0.711), (0.2, 0.856)],
)
def test_netflix_is_the_report_it_was_fitted_to(share: float, demanded: float) -> None:
    weights = [weight("netflix", rank, 20_000) for rank in range(1, 20_001)]
    top = math.fsum(weights[: int(20_000 * share)]) / math.fsum(weights)
    assert top == pytest.approx(demanded, abs=0.02)


def test_netflix_means_the_same_for_a_catalogue_of_another_size() -> None:
    assert weight("netflix", 100, 2_000) == weight("netflix", 1_000, 20_000)


def test_zipf_falls_by_its_exponent() -> None:
    assert weight("zipf:1.0", 4, 100) == 0.25
    assert weight("zipf:0.5", 4, 100) == 0.5


@given(
    titles=st.integers(1, 3_000),
    popularity=st.sampled_from(["netflix", "zipf:0", "zipf:0.8", "zipf:1.2"]),
)
def test_classes_are_the_whole_catalogue_and_all_its_demand(titles: int, popularity: str) -> None:
    classes = classes_of(popularity, titles, 30, REACH)
    assert math.isclose(math.fsum(each.size_bytes for each in classes), titles * 30)
    demand = sum(weight(popularity, rank, titles) for rank in range(1, titles + 1))
    wanted = math.fsum(each.rate * each.size_bytes for each in classes)
    assert math.isclose(wanted, demand * 10 * sum(REACH), rel_tol=1e-9)
    rates = [each.rate for each in classes]
    assert rates == sorted(rates, reverse=True)


def test_a_large_catalogue_has_few_classes() -> None:
    assert len(classes_of("netflix", 1_000_000, 1, REACH)) < 1_500

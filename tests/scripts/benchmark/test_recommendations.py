"""The comparison runs every model, ours among them, on ratings with a pattern in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("implicit")

from scripts.benchmark import recommendations as bench
from scripts.benchmark.ratings import Rating, judge, split


def ratings() -> list[Rating]:
    """Everybody sees a series in its order, from somewhere on."""
    return [
        Rating(user, (user + step) % 12, 4.0, 1e9 + user * 1000.0 + step)
        for user in range(24)
        for step in range(6)
    ]


# The models of others warn of threads that so small a matrix never uses.
@pytest.mark.filterwarnings("ignore:OpenBLAS")
def test_series_is_gone_on_with_by_ours_and_listed_by_all(tmp_path: Path) -> None:
    given = split(ratings(), back=0)
    genres = {title: ["Drama"] for title in range(12)}
    ours = judge(bench.ours(replace(bench.PLAIN, shrinkage=1.0), genres, tmp_path)(given),
                 given.held_out)  # fmt: skip
    assert ours == (1.0, 1.0)
    for name, models in bench.others():
        make = next(iter(models.values()))
        lists = make(given)
        assert len(lists) == 24, name
        known = {(each.user, each.title) for each in given.known}
        assert not any((user, title) in known for user, found in lists.items() for title in found)


def test_terms_are_tried_one_at_a_time() -> None:
    for name, terms in bench.variants():
        term, _, value = name.partition("=")
        assert replace(bench.PLAIN, **{term: getattr(terms, term)}) == terms
        assert getattr(terms, term) == float(value)

"""Ratings are cut without a look ahead, and lists are judged as by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from scripts.benchmark.ratings import Rating, judge, read_genres, read_ratings, split


def test_nothing_after_the_held_out_title_is_known() -> None:
    ratings = [Rating(user, title, 4.0, float(title)) for user in (1, 2) for title in (5, 6, 7)]
    ratings.append(Rating(3, 5, 4.0, 1.0))
    for back, held_out in ((0, 7), (1, 6)):
        given = split(ratings, back)
        assert given.held_out == {1: held_out, 2: held_out}
        assert all(each.title < held_out for each in given.known)
        assert len(given.known) == 2 * (2 - back)


def test_lists_are_judged_by_the_place_of_the_held_out_title() -> None:
    lists = {1: [7, 8], 2: [8, 7], 3: [*range(100, 115), 7], 4: [8]}
    ndcg, recall = judge(lists, {1: 7, 2: 7, 3: 7, 4: 7, 5: 7})
    assert ndcg == pytest.approx((1 + 1 / math.log2(3)) / 5)
    assert recall == pytest.approx(3 / 5)


def test_files_are_read_in_the_order_of_time(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,9,4.5,20\n1,8,3,10\n")
    (tmp_path / "movies.csv").write_text('movieId,title,genres\n8,"A, B",Crime|Drama|\n9,C,\n')
    assert [each.title for each in read_ratings(tmp_path)] == [8, 9]
    assert read_genres(tmp_path) == {8: ["Crime", "Drama"], 9: []}

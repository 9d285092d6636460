"""Scores are the plain sum that the formula says, in whatever order, and nobody pushes a title."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.domains.trending.rules import WINDOWS_BEFORE, Play, Standing, Views

HALF_LIFE = 100.0
NOW = 5000.0

plays = st.builds(
    Play,
    profile=st.sampled_from(["ann", "ben", "cem"]),
    title=st.sampled_from(["x", "y"]),
    region=st.sampled_from(["", "DE", "FR"]),
    at=st.floats(NOW - 15 * HALF_LIFE, NOW, allow_nan=False),
)


def recount(told: Sequence[Play], region: str, now: float) -> dict[str, float]:
    """The formula, word for word."""
    present = math.floor(now / HALF_LIFE)
    views: dict[tuple[str, str, int], Play] = {}
    for play in told:
        views.setdefault((play.profile, play.title, math.floor(play.at / HALF_LIFE)), play)
    scores: dict[str, float] = {}
    for (_, title, window), view in views.items():
        if present - WINDOWS_BEFORE <= window and region in ("", view.region):
            weight = 2 ** (-(now - view.at) / HALF_LIFE)
            scores[title] = scores.get(title, 0.0) + weight
    return scores


def scores_of(standing: Standing) -> dict[str, float]:
    return {title: standing.score(title) for title in standing.order}


@given(st.lists(plays, max_size=40), st.lists(st.floats(0, 10 * HALF_LIFE), max_size=5))
def test_scores_are_those_of_a_plain_recount_at_every_moment(
    told: list[Play], pauses: list[float]
) -> None:
    views, now, counted = Views(HALF_LIFE, NOW), NOW, 0
    for pause in [0.0, *pauses]:
        now += pause
        views.advance(now)
        some = told[counted : counted + 1 + len(told) // (1 + len(pauses))]
        counted += len(some)
        views.add(some)
        for region in ("", "DE", "IT"):
            expected = recount(told[:counted], region, now)
            found = scores_of(views.standing(region, now))
            assert found.keys() == expected.keys()
            for title, score in expected.items():
                assert math.isclose(found[title], score, rel_tol=1e-9)


def test_whoever_plays_a_title_a_thousand_times_moves_it_as_one_does() -> None:
    once, often = Views(HALF_LIFE, NOW), Views(HALF_LIFE, NOW)
    once.add([Play("ann", "x", "DE", NOW)])
    often.add(Play("ann", "x", "DE", NOW + number / 1000) for number in range(1000))
    assert often.standing("", NOW) == once.standing("", NOW)
    often.add([Play("ben", "y", "DE", NOW), Play("cem", "y", "DE", NOW)])
    assert often.standing("", NOW).order == ("y", "x")


@given(st.lists(st.floats(NOW - 10 * HALF_LIFE, NOW), max_size=60))
def test_nobody_ever_weighs_as_much_as_three_views(times: list[float]) -> None:
    views = Views(HALF_LIFE, NOW)
    views.add(Play("ann", "x", "", at) for at in times)
    assert views.standing("", NOW).score("x") < 3.0


def test_view_weighs_half_after_each_half_life_and_nothing_in_the_end() -> None:
    views = Views(HALF_LIFE, NOW)
    views.add([Play("ann", "x", "DE", NOW)])
    for lives in range(WINDOWS_BEFORE + 1):
        now = NOW + lives * HALF_LIFE
        views.advance(now)
        assert views.standing("DE", now).score("x") == pytest.approx(0.5**lives)
    views.advance(NOW + (WINDOWS_BEFORE + 1) * HALF_LIFE)
    assert len(views) == 0
    assert views.standing("DE", NOW).order == ()


def test_late_play_of_a_forgotten_window_counts_nothing() -> None:
    views = Views(HALF_LIFE, NOW)
    views.add([Play("ann", "x", "DE", NOW - (WINDOWS_BEFORE + 1) * HALF_LIFE)])
    assert len(views) == 0


@given(st.floats(0, 1e10), st.floats(60, 90 * 86400))
def test_spans_are_next_to_each_other_and_hold_the_present(now: float, half_life: float) -> None:
    spans = Views(half_life, now).spans()
    assert len(spans) == WINDOWS_BEFORE + 2
    assert all(one[1] == other[0] for one, other in itertools.pairwise(spans))
    assert spans[-2][0] <= now + 1e-3
    assert now < spans[-1][1]


def test_popularity_goes_from_nobody_to_the_most_watched() -> None:
    standing = Standing(0.0, {"a": 200.0, "b": 20.0}, 0.5, ("a", "b"))
    assert standing.popularity("a") == 1.0
    assert 0.5 < standing.popularity("b") < 0.6
    assert standing.popularity("c") == 0.0
    assert Standing(0.0, {}, 1.0, ()).popularity("a") == 0.0


def test_titles_with_equal_scores_stand_in_one_order() -> None:
    views = Views(HALF_LIFE, NOW)
    views.add([Play("ann", title, "", NOW) for title in "cab"])
    assert views.standing("", NOW).order == ("a", "b", "c")

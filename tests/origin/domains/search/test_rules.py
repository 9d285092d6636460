"""Queries are read as people type them, and taken more loosely only when they have to be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.domains.search.rules import (
    WORDS_MAX,
    brevity,
    distance_of,
    ranked,
    read_query,
    readings,
)


@pytest.mark.parametrize(
    ("word", "distance"),
    [("up", 0), ("wars", 1), ("goodbye", 1), ("redemption", 2), ("19845678", 0)],
)
def test_longer_words_may_be_further_off(word: str, distance: int) -> None:
    assert distance_of(word) == distance


def test_last_word_goes_on_unless_something_follows() -> None:
    assert [word.is_begun for word in read_query("star wa").words] == [False, True]
    assert not read_query("star wars ").is_begun
    assert not read_query("").words


def test_words_that_say_little_are_not_needed() -> None:
    assert [word.text for word in read_query("the wizard of o").needed] == ["wizard"]
    assert [word.text for word in read_query("the of").needed] == ["the", "of"]
    assert [word.text for word in read_query("rocky 2").needed] == ["rocky", "2"]


def test_words_of_a_year_mean_it() -> None:
    years = [word.year for word in read_query("kong 1933 9999 3").words]
    assert years == [None, 1933, None, None]


def test_readings_go_from_strict_to_loose() -> None:
    ways = readings(read_query("redemption wars"))
    assert [[word.distance for word in way.asked.words] for way in ways] == [
        [0, 0],
        [2, 1],
        [2, 2],
        [2, 2],
    ]
    assert [way.missing_max for way in ways] == [0, 0, 0, 1]
    assert len(readings(read_query("wars"))) == 3
    assert len(readings(read_query(" "))) == 1


def test_words_as_written_suffice_when_titles_have_them_all() -> None:
    exact, misspelt, *_ = readings(read_query("strike back"))
    assert exact.suffices([44.0])
    assert not exact.suffices([17.0, 9.0])
    assert exact.suffices([17.0, 9.0, 8.0, 7.0, 6.0])
    assert misspelt.suffices([1.0])


@given(st.text(max_size=300))
def test_any_text_is_a_query(text: str) -> None:
    asked = read_query(text)
    assert len(asked.words) <= WORDS_MAX
    assert all(word in asked.words for word in asked.needed)
    assert readings(asked)


@given(st.integers(0, 100), st.integers(0, 100))
def test_short_titles_are_preferred_mildly(one: int, other: int) -> None:
    shorter, longer = sorted((one, other))
    assert 0.6 < brevity(longer) <= brevity(shorter) <= 1.0


@given(st.floats(0, 100), st.floats(allow_nan=False))
def test_popularity_helps_within_bounds(score: float, popularity: float) -> None:
    assert score <= ranked(score, popularity) <= 1.5 * score

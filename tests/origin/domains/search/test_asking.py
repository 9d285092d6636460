"""Films are found by what was meant, and filters keep the others out."""

from __future__ import annotations

from typing import Any

import pytest

from origin.domains.search.asking import Filters
from origin.domains.search.index import FilmIndex
from origin.domains.search.rules import read_query


def find(index: FilmIndex, query: str, **filters: Any) -> list[str]:
    found = index.find(read_query(query), Filters(**filters), 10, with_facets=False)
    return [film_id for film_id, _ in found.hits]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("star wars", "star-wars"),
        ("stra wars", "star-wars"),
        ("clone", "clone-wars"),
        ("clon", "clone-wars"),
        ("spiderman", "spider"),
        ("spider man", "spider"),
        ("mash", "mash"),
        ("LEON", "leon"),
        ("proffesional", "leon"),
        ("rocky 2", "rocky"),
        ("maguire", "spider"),
        ("surgeons", "mash"),
        ("дневной", "war"),
        ("Дневнай", "war"),
        ("day watch", "war"),
        ("千尋", "chihiro"),
        ("spirited", "chihiro"),
        ("wars 2008", "clone-wars"),
        ("rocky film", "rocky"),
    ],
)
def test_film_that_was_meant_comes_first(index: FilmIndex, query: str, first: str) -> None:
    assert find(index, query)[:1] == [first]


def test_titles_outweigh_people_and_these_overviews(index: FilmIndex) -> None:
    assert find(index, "star ") == ["star-wars", "clone-wars", "war"]
    assert find(index, "war")[-1] == "mash"


@pytest.mark.parametrize("query", ["\"'(*?+^~[", "title:star AND", "🎬", "x" * 500, "\ud800"])
def test_nothing_typed_is_syntax(index: FilmIndex, query: str) -> None:
    find(index, query)


def test_filters_keep_films_out(index: FilmIndex) -> None:
    assert find(index, "", genre="drama") == ["leon"]
    assert find(index, "", genre="drama/crime") == ["leon"]
    assert find(index, "", genre="drama", age_max=15) == []
    assert find(index, "", language="en") == ["rocky", "star-wars"]
    assert find(index, "", language="en-us") == ["rocky"]
    assert find(index, "", year_from=2001, year_to=2002) == ["spider", "chihiro"]
    assert find(index, "star ", hidden=frozenset({"star-wars", "war"})) == ["clone-wars"]


def test_without_words_the_newest_come_first(index: FilmIndex) -> None:
    assert find(index, " ")[:2] == ["clone-wars", "war"]

"""Lists of films become titles with ids that stay."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.cli.errors import UsageError
from scripts.ingest_client.titles import ListedTitle, make_id, read_titles


def test_line_becomes_a_title() -> None:
    line = {
        "title": " Léon: The Professional ",
        "year": 1994,
        "cast": ["Jean Reno", "", "Jean Reno"],
        "genres": ["Crime"],
        "extract": "A hitman.",
        "href": "Léon",
        "age": None,
    }
    (title,) = read_titles(["\n", json.dumps(line)])
    assert title == ListedTitle(
        "leon-the-professional-1994",
        {
            "title": "Léon: The Professional",
            "year": 1994,
            "genres": ["Crime"],
            "overview": "A hitman.",
            "people": [{"name": "Jean Reno", "role": "cast"}],
        },
    )


def test_films_of_one_name_and_year_are_numbered() -> None:
    titles = read_titles(['{"title": "A", "year": 1990}'] * 3)
    assert [title.id for title in titles] == ["a-1990", "a-1990-2", "a-1990-3"]


def test_members_of_titles_are_taken_as_they_are() -> None:
    line = '{"title": "A", "overview": "Own.", "extract": "Other.", "people": [{"name": "B"}]}'
    (title,) = read_titles([line])
    assert title.members == {"title": "A", "overview": "Own.", "people": [{"name": "B"}]}


@pytest.mark.parametrize(
    "line", ["{", "[]", "{}", '{"title": " "}', '{"title": "A", "year": "1990"}']
)
def test_line_that_is_no_film_is_named(line: str) -> None:
    with pytest.raises(UsageError, match="line 2"):
        list(read_titles(['{"title": "A"}', line]))


@given(st.text(min_size=1), st.none() | st.integers(1870, 2200))
def test_every_title_has_an_id_that_is_allowed(title: str, year: int | None) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,59}", make_id(title, year))

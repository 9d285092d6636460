"""Questions become filters, and films are shown with the part that matches."""

from __future__ import annotations

from origin.catalog.audience import Audience
from origin.catalog.films import Film
from origin.domains.search.rules import read_query
from origin.domains.search.shapes import SearchQuery, filters_of, hit_view


def test_strictest_age_counts() -> None:
    child = Audience(age_max=6, hidden=frozenset({"a"}))
    filters = filters_of(
        SearchQuery.model_validate({"age_max": "16", "genre": "Drama/Crime"}), child
    )
    assert (filters.age_max, filters.genre, filters.hidden) == (6, "drama/crime", frozenset({"a"}))
    assert filters_of(SearchQuery.model_validate({"age_max": "3"}), child).age_max == 3


def test_film_is_shown_with_what_matches() -> None:
    film = Film("a", "A", year=1990, overview="A plant.", poster="a.jpg")
    view = hit_view(film, 1.23456, read_query("plant"))
    assert (view.id, view.year, view.poster, view.score) == ("a", 1990, "a.jpg", 1.235)
    assert view.snippet.marks == [(2, 7)]

"""Films and the count as they are answered."""

from __future__ import annotations

from origin.catalog.films import Film
from origin.domains.trending.rules import FORMULA, WINDOWS_BEFORE
from origin.domains.trending.shapes import counting_view, trending_view


def test_film_is_answered_with_its_score() -> None:
    film = Film("x", "X", year=1999, poster="x.jpg", overview="left out")
    assert trending_view(film, 1.5).model_dump() == {
        "id": "x",
        "title": "X",
        "year": 1999,
        "poster": "x.jpg",
        "score": 1.5,
    }


def test_count_names_its_formula_and_what_stands_in_it() -> None:
    said = counting_view(5.0, 60.0).model_dump()
    assert said == {
        "formula": FORMULA,
        "at": 5.0,
        "half_life_seconds": 60.0,
        "window_seconds": 60.0,
        "windows_before": WINDOWS_BEFORE,
    }
    assert all(name in FORMULA for name in ("at", "half_life_seconds"))

"""A small shelf of films in an index of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from origin.catalog.films import Film, Person
from origin.domains.search.index import FilmIndex, open_index

FILMS = {
    film.id: film
    for film in (
        Film("star-wars", "Star Wars", year=1977, genres=("Science Fiction",), languages=("en",)),
        Film("clone-wars", "Star Wars: The Clone Wars", year=2008, genres=("Animation",)),
        Film("spider", "Spider-Man", year=2002, people=(Person("Tobey Maguire"),)),
        Film("leon", "Léon: The Professional", year=1994, age=16, genres=("Drama/Crime",)),
        Film("mash", "M*A*S*H", year=1970, overview="Surgeons in a war."),
        Film("rocky", "Rocky II", year=1979, languages=("en-US", "it")),
        Film("war", "Дневной дозор", "Day Watch", 2006, people=(Person("Star Smith"),)),
        Film("chihiro", "千と千尋の神隠し", "Spirited Away", 2001, languages=("ja",)),
    )
}


def unexpected(message: str) -> None:
    """Nothing is to be reported."""
    raise AssertionError(message)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[FilmIndex]:
    """An index of FILMS."""
    opened = open_index(tmp_path / "search", unexpected)
    opened.apply(FILMS, 8, is_all=True)
    yield opened
    opened.close()

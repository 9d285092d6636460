"""A small shelf of films in groups."""

from __future__ import annotations

import pytest

from origin.catalog.films import Film, Person
from origin.domains.categories.rules import Groups

FILMS = (
    Film(
        "leon",
        "Léon",
        year=1994,
        genres=("Drama/Crime", "Thriller"),
        tags=("Hitman",),
        people=(Person("Jean Réno", "Léon"), Person("Luc Besson", "director")),
        age=16,
        languages=("fr", "en-US"),
    ),
    Film("nikita", "Nikita", year=1990, genres=("Drama",), people=(Person("Jean Reno"),)),
    Film("bambi", "Bambi", year=1942, genres=("Animation", "…"), collections=("Disney Classics",)),
    Film("untold", "Untold", genres=("Drama",)),
)


@pytest.fixture
def groups() -> Groups:
    """FILMS in their groups."""
    made = Groups()
    for film in FILMS:
        made.put(film)
    return made

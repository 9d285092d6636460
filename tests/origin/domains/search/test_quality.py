"""What people type finds the film they mean, among those of a real catalogue.

The list (`CINEDGE_TEST_CATALOGUE`) lies beside the project and is no part of it; without it this is
skipped by name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from origin.catalog.films import Film, Person
from origin.domains.search.asking import Filters
from origin.domains.search.index import FilmIndex, open_index
from origin.domains.search.rules import read_query
from scripts.ingest_client.lines import read_lines
from scripts.ingest_client.titles import ListedTitle, read_titles
from tests.helpers.vectors import load_vectors
from tests.origin.domains.search.conftest import unexpected

_BESIDE: Final = Path(__file__).parents[5] / "shared/data/catalogue/films.jsonl.zst"
CATALOGUE: Final = Path(os.environ.get("CINEDGE_TEST_CATALOGUE", _BESIDE))
FOUND_MIN: Final = 57
PLACES: Final = 3


@pytest.fixture(scope="module")
def films() -> dict[str, Film]:
    if not CATALOGUE.exists():
        pytest.skip(f"there is no film list at {CATALOGUE}")
    return {title.id: _film(title) for title in read_titles(read_lines(CATALOGUE))}


@pytest.fixture(scope="module")
def index(films: dict[str, Film], tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilmIndex]:
    opened = open_index(tmp_path_factory.mktemp("search"), unexpected)
    opened.apply(films, 1, is_all=True)
    yield opened
    opened.close()


def test_film_that_is_meant_is_among_the_first_three(
    index: FilmIndex, films: dict[str, Film]
) -> None:
    queries = load_vectors("search_queries")
    assert len(queries) == 60
    missed: list[str] = []
    for case in queries:
        found = index.find(read_query(case["query"]), Filters(), PLACES, with_facets=False)
        shown = [(films[film_id].title, films[film_id].year) for film_id, _ in found.hits]
        if (case["title"], case["year"]) not in shown:
            missed.append(f"{case['query']!r} finds {shown}")
    print(f"{len(queries) - len(missed)} of {len(queries)} found among {len(films)}")
    assert len(queries) - len(missed) >= FOUND_MIN, "\n".join(missed)


def _film(title: ListedTitle) -> Film:
    said = title.members
    return Film(
        title.id,
        said["title"],
        year=said.get("year"),
        overview=said.get("overview", ""),
        genres=tuple(said.get("genres", ())),
        people=tuple(Person(each["name"]) for each in said.get("people", ())),
    )

"""What goes into the index of a film."""

from __future__ import annotations

import pytest

from origin.catalog.films import Film
from origin.domains.search.schema import (
    STAMP_ID,
    WEIGHT_UNIT,
    format_weight,
    genre_paths,
    language_tags,
    make_document,
    make_schema,
    make_stamp,
)


def test_document_has_the_title_in_every_form_it_is_asked_by() -> None:
    document = make_document(Film("a", "The Spider-Man II", "Örümcek"), make_schema())
    assert document["title"] == ["the spider man 2 orumcek"]
    assert "spider man 2" in document["whole"]
    assert {"spiderman", "thespider", "thespiderman2"} <= set(document["joined"])
    assert document["year"] == []


def test_film_without_any_word_is_a_document_too() -> None:
    assert make_document(Film("a", "!?"), make_schema())["id"] == ["a"]


def test_stamp_is_found_by_an_id_that_no_title_has() -> None:
    assert make_stamp("{}", make_schema())["id"] == [STAMP_ID]
    assert not STAMP_ID[0].isalnum()


def test_paths_lead_to_everything_above() -> None:
    assert genre_paths("Drama / Film Noir") == ["drama", "drama/film-noir"]
    assert genre_paths("/…") == []
    assert language_tags("pt-BR") == ["pt-br", "pt"]


@pytest.mark.parametrize(("factor", "field"), [(1.0, 1.0), (0.64, 0.02)])
def test_weight_is_what_the_index_multiplies_by(factor: float, field: float) -> None:
    assert format_weight(factor) == pytest.approx(field, abs=0.01)
    assert pytest.approx(1.585, abs=0.001) == WEIGHT_UNIT

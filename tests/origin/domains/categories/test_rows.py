"""Rows go to those they are for, and a home page without editors has some of its own."""

from __future__ import annotations

from origin.catalog.audience import Audience
from origin.domains.categories.rows import Kind, Row, RowQuery, default_rows, rows_for
from origin.domains.categories.rules import Groups


def test_rows_are_for_their_language_in_their_order() -> None:
    rows = [
        Row("b", 2, "B", "trending"),
        Row("c", 1, "C", ("x",), language="fr"),
        Row("a", 2, "A", RowQuery()),
    ]
    assert [row.id for row in rows_for(rows, "fr-CA")] == ["c", "a", "b"]
    assert [row.id for row in rows_for(rows, "")] == ["a", "b"]
    assert [row.kind for row in rows] == [Kind.SOURCE, Kind.TITLES, Kind.QUERY]


def test_without_editors_there_are_sources_news_and_the_largest_genres(groups: Groups) -> None:
    rows = default_rows(groups, Audience(), {"trending"})
    assert [row.id for row in rows] == [
        "trending",
        "new",
        "genre.drama",
        "genre.animation",
        "genre.thriller",
    ]
    assert [row.position for row in rows] == [0, 1, 2, 3, 4]
    assert default_rows(Groups(), Audience(), ()) == [Row("new", 0, "New", RowQuery())]

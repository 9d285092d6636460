"""Rows are what a body says, and say again what was given."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cdnkit.errors import BadRequestError
from origin.domains.categories.rows import Row, RowQuery
from origin.domains.categories.rules import Wish
from origin.domains.categories.shapes import FilmsQuery, RowBody, RowQueryBody, read_row, row_view


@pytest.mark.parametrize(
    "row",
    [
        Row("a", 3, "A", ("x", "y"), "fr", 7),
        Row("a", 0, "A", RowQuery("genre.a", Wish(1990, 1999, "en"), "title")),
        Row("a", 0, "A", "trending"),
    ],
)
def test_what_is_answered_can_be_sent_again(row: Row) -> None:
    said = row_view(row).model_dump(exclude={"id", "kind"}, exclude_unset=True)
    assert read_row("a", RowBody(**said)) == row


@pytest.mark.parametrize("members", [{}, {"titles": ["a"], "source": "trending"}])
def test_row_has_exactly_one_content(members: dict[str, object]) -> None:
    with pytest.raises(BadRequestError, match="exactly one"):
        read_row("a", RowBody.model_validate({"name": "A", **members}))


def test_titles_of_a_row_are_each_there_once() -> None:
    assert read_row(
        "a", RowBody.model_validate({"name": "A", "titles": ["x", "y", "x"]})
    ).content == ("x", "y")
    with pytest.raises(ValidationError):
        RowBody.model_validate({"name": "A", "titles": []})


def test_queries_say_what_they_wish() -> None:
    query = FilmsQuery.model_validate({"year_from": "1990", "language": "en"})
    assert query.wish() == Wish(year_from=1990, language="en")
    assert RowQueryBody().category == "all"

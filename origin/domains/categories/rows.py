"""Rows of the home page: what editors may ask for, and what is shown where they have not. Pure.

A row is a list of titles, a query over the groups, or a source: films that another part of the
service picks for the profile (`continue`, `trending`, `recommendations`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from origin.catalog.audience import Audience
from origin.domains.categories.rules import ALL, GENRE, Groups, Order, Wish, speaks

SIZE_DEFAULT: Final = 20
_GENRE_ROWS: Final = 6
_SOURCE_NAMES: Final = {
    "continue": "Continue watching",
    "trending": "Trending now",
    "recommendations": "For you",
}


class Kind(StrEnum):
    """Where the films of a row come from."""

    TITLES = "titles"
    QUERY = "query"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class RowQuery:
    """The films of a group that are wanted, in an order."""

    category: str = ALL
    wish: Wish = field(default_factory=Wish)
    order: Order = "newest"


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `language` empty: for everybody; else for profiles of that language."""

    id: str
    position: int
    name: str
    content: tuple[str, ...] | RowQuery | str
    """Ids of titles, a query, or the name of a source."""
    language: str = ""
    size: int = SIZE_DEFAULT

    @property
    def kind(self) -> Kind:
        """Where its films come from."""
        if isinstance(self.content, tuple):
            return Kind.TITLES
        return Kind.QUERY if isinstance(self.content, RowQuery) else Kind.SOURCE


def rows_for(rows: Iterable[Row], language: str) -> list[Row]:
    """The rows that somebody of a language is shown, from the top."""
    shown = [row for row in rows if not row.language or speaks(language, row.language)]
    return sorted(shown, key=lambda row: (row.position, row.id))


def default_rows(groups: Groups, audience: Audience, sources: Collection[str]) -> list[Row]:
    """What is shown as long as no editor has made a row: the sources, news, the largest genres."""
    rows: list[Row] = []
    for name, heading in _SOURCE_NAMES.items():
        if name in sources:
            rows.append(Row(name, len(rows), heading, name))
    rows.append(Row("new", len(rows), "New", RowQuery()))
    genres = [pair for pair in groups.counted(GENRE, audience) if not pair[0].parent]
    genres.sort(key=lambda pair: (-pair[1], pair[0].id))
    for group, _ in genres[:_GENRE_ROWS]:
        rows.append(Row(group.id, len(rows), group.name, RowQuery(group.id)))
    return rows

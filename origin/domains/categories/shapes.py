"""What the handlers of categories and of the home page take and answer."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from cdnkit.errors import BadRequestError
from cdnkit.service.binding import DIGITS
from cdnkit.service.operations import Shape
from origin.catalog.films import YEARS
from origin.domains.categories.rows import SIZE_DEFAULT, Kind, Row, RowQuery
from origin.domains.categories.rules import ALL, Card, Group, Order, Wish

LIMIT_MAX: Final = 100
ROW_TITLES_MAX: Final = 100
ROW_SIZE_MAX: Final = 50
_NAME_MAX: Final = 200

_Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{0,35}$")]
_Name = Annotated[str, Field(min_length=1, max_length=_NAME_MAX)]
_Year = Annotated[int, Field(ge=YEARS.start, le=YEARS.stop)]
_QueryYear = Annotated[int, Field(ge=YEARS.start, le=YEARS.stop), DIGITS]
_TitleId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class GroupPath(Shape):
    """The path of a category."""

    id: _Name


class PersonPath(Shape):
    """The path of a person: their name, or the words of it joined by '-'."""

    name: _Name


class RowPath(Shape):
    """The path of an editorial row."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class CategoriesQuery(Shape):
    """Which categories are listed."""

    kind: Literal["", "genre", "tag", "collection"] = ""


class FilmsQuery(Shape):
    """Which films of a group are listed."""

    after: Annotated[str, Field(max_length=100)] = Field(
        "", description="Begin behind this one: the `next` of the page before."
    )
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX), DIGITS] = 40
    year_from: _QueryYear = YEARS.start
    year_to: _QueryYear = Field(YEARS.stop, description="The last year.")
    language: _Tag = Field("", description="Only films in this one; en finds en-GB as well.")

    def wish(self) -> Wish:
        """The same as the rules take it."""
        return Wish(self.year_from, self.year_to, self.language)


class HomeQuery(Shape):
    """For whom the home page is."""

    language: _Tag = Field("", description="In place of the profile's.")


class CardView(Shape):
    """A film in a list; `role` is what the person of the list did in it."""

    id: str
    title: str
    year: int | None
    poster: str
    role: str = ""


class CategoryView(Shape):
    """A group of films and how many may be seen; `parent` is the category it is part of."""

    id: str
    kind: str
    name: str
    parent: str
    titles: int


class CategoryList(Shape):
    """The categories, by id."""

    items: list[CategoryView]


class CategoryFacetView(Shape):
    """How many films of a group have a value."""

    value: str
    count: int


class FilmsPage(Shape):
    """A part of the films of a group, newest first; facets come with the first page alone."""

    category: CategoryView
    items: list[CardView]
    next: str | None = Field(description="The `after` of the next page; null at the end.")
    facets: dict[str, list[CategoryFacetView]] | None = None


class RowQueryBody(Shape):
    """Films of a category that are wanted, in an order."""

    category: _Name = ALL
    year_from: _Year = YEARS.start
    year_to: _Year = YEARS.stop
    language: _Tag = ""
    order: Order = "newest"


class RowBody(Shape):
    """A row of the home page: exactly one of `titles`, `query` and `source`."""

    name: _Name
    position: int = Field(0, ge=0, le=1_000_000, description="From the top.")
    language: _Tag = Field("", description="Only for profiles of this one; for all when empty.")
    size: int = Field(SIZE_DEFAULT, ge=1, le=ROW_SIZE_MAX)
    titles: list[_TitleId] | None = Field(None, min_length=1, max_length=ROW_TITLES_MAX)
    query: RowQueryBody | None = None
    source: Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,31}$")] | None = Field(
        None, description="What picks the films: continue, trending, recommendations."
    )


class RowView(RowBody):
    """A row as editors see it."""

    id: str
    kind: Kind


class RowList(Shape):
    """The editorial rows, from the top."""

    items: list[RowView]


class HomeRow(Shape):
    """A row as viewers see it."""

    id: str
    name: str
    kind: Kind
    items: list[CardView]


class HomeAnswer(Shape):
    """The home page; rows without a film are left out."""

    rows: list[HomeRow]


def card_view(card: Card, role: str = "") -> CardView:
    """A film as it is answered."""
    said: dict[str, Any] = {"role": role} if role else {}
    return CardView(id=card.id, title=card.title, year=card.year, poster=card.poster, **said)


def category_view(group: Group, titles: int) -> CategoryView:
    """A group as it is answered."""
    return CategoryView(
        id=group.id, kind=group.kind, name=group.name, parent=group.parent, titles=titles
    )


def read_row(row_id: str, body: RowBody) -> Row:
    """The row that a body describes. Raises BadRequestError."""
    given = [each for each in (body.titles, body.query, body.source) if each is not None]
    if len(given) != 1:
        raise BadRequestError("a row has exactly one of 'titles', 'query' and 'source'")
    content: tuple[str, ...] | RowQuery | str
    if body.query is not None:
        wish = Wish(body.query.year_from, body.query.year_to, body.query.language)
        content = RowQuery(body.query.category, wish, body.query.order)
    else:
        content = body.source or tuple(dict.fromkeys(body.titles or ()))
    return Row(row_id, body.position, body.name, content, body.language, body.size)


def row_view(row: Row) -> RowView:
    """A row as editors see it."""
    said: dict[str, Any] = {}
    if isinstance(row.content, RowQuery):
        wish = row.content.wish
        said["query"] = RowQueryBody(
            category=row.content.category,
            year_from=wish.year_from,
            year_to=wish.year_to,
            language=wish.language,
            order=row.content.order,
        )
    elif isinstance(row.content, tuple):
        said["titles"] = list(row.content)
    else:
        said["source"] = row.content
    return RowView(
        id=row.id,
        kind=row.kind,
        name=row.name,
        position=row.position,
        language=row.language,
        size=row.size,
        **said,
    )
